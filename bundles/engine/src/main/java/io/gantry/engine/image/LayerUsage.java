package io.gantry.engine.image;

import io.gantry.api.Images.Usage;
import io.gantry.image.Image;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.store.Digest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Adds up what layers take, and what of it images have in common. */
final class LayerUsage {

  private LayerUsage() {}

  static Usage of(List<Image> images, Layers layers) {
    Map<Digest, Integer> owners = new HashMap<>();
    Map<String, List<Layer>> byImage = new HashMap<>();
    for (Image image : images) {
      List<Layer> own = chain(image.top(), layers);
      own.forEach(layer -> owners.merge(layer.chain(), 1, Integer::sum));
      byImage.put(image.id().toString(), own);
    }
    Map<String, Long> shared = new HashMap<>();
    byImage.forEach(
        (id, own) ->
            shared.put(
                id,
                own.stream()
                    .filter(layer -> owners.getOrDefault(layer.chain(), 0) > 1)
                    .mapToLong(Layer::bytes)
                    .sum()));
    long bytes = 0;
    for (Digest chain : layers.chains()) {
      bytes += layers.find(chain).map(Layer::bytes).orElse(0L);
    }
    return new Usage(bytes, shared);
  }

  /** From the top down. */
  private static List<Layer> chain(@Nullable Digest top, Layers layers) {
    List<Layer> chain = new ArrayList<>();
    for (Digest next = top; next != null; ) {
      var layer = layers.find(next).orElse(null);
      if (layer == null) {
        break;
      }
      chain.add(layer);
      next = layer.parent();
    }
    return chain;
  }
}
