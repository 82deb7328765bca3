package io.gantry.engine.image;

import io.gantry.api.Images.ImageView;
import io.gantry.api.Images.Pruned;
import io.gantry.api.Images.Removal;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** What {@code docker image prune} does, by Docker's rules. */
final class Pruning {

  private final List<ImageView> images;
  private final Layers layers;
  private final Function<String, List<Removal>> remove;
  private final Supplier<List<Digest>> sweep;

  /**
   * @param images all of them
   * @param remove takes a name or an id away without force
   * @param sweep removes layers that nobody needs and that could not be removed before
   */
  Pruning(
      List<ImageView> images,
      Layers layers,
      Function<String, List<Removal>> remove,
      Supplier<List<Digest>> sweep) {
    this.images = images;
    this.layers = layers;
    this.remove = remove;
    this.sweep = sweep;
  }

  Pruned run(boolean danglingOnly, Predicate<ImageView> matches) {
    Map<String, Long> bytes = new HashMap<>();
    for (Digest chain : layers.chains()) {
      layers.find(chain).map(Layer::bytes).ifPresent(size -> bytes.put(chain.toString(), size));
    }
    List<Removal> removals = new ArrayList<>();
    images.stream()
        .filter(image -> !isStep(image) && matches.test(image))
        .filter(image -> !danglingOnly || image.tags().isEmpty())
        .forEach(image -> refs(image).forEach(ref -> tryToRemove(ref, removals)));
    sweep.get().forEach(layer -> removals.add(new Removal("", layer.toString())));
    long freed =
        removals.stream().mapToLong(removal -> bytes.getOrDefault(removal.deleted(), 0L)).sum();
    return new Pruned(removals, freed);
  }

  /** It has no name and others were made from it: it goes with them. */
  private boolean isStep(ImageView image) {
    return image.tags().isEmpty()
        && image.digests().isEmpty()
        && images.stream().anyMatch(other -> other.parent().equals(image.id()));
  }

  private static List<String> refs(ImageView image) {
    List<String> names = Stream.concat(image.tags().stream(), image.digests().stream()).toList();
    return names.isEmpty() ? List.of(image.id()) : names;
  }

  private void tryToRemove(String ref, List<Removal> removals) {
    try {
      removals.addAll(remove.apply(ref));
    } catch (GantryException e) {
      if (e.kind() != Kind.CONFLICT && e.kind() != Kind.NOT_FOUND) {
        throw e;
      } // a container uses it, or somebody was faster: it is none to prune
    }
  }
}
