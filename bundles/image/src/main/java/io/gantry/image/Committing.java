package io.gantry.image;

import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import io.gantry.store.Digest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Makes images on top of others: of what a container has changed, or of a step of a build. */
public final class Committing {

  /**
   * What to make.
   *
   * @param image what it is made from; it may have been removed, then its layers alone count
   * @param layer uppermost layer of that image, held by the caller; null for none
   * @param createdBy for its history
   * @param name to give it, or null
   */
  public record Request(
      Digest image,
      @Nullable Digest layer,
      RunConfig run,
      String author,
      String comment,
      String createdBy,
      @Nullable Reference name) {}

  private final ImageStore images;
  private final Layers layers;
  private final InstantSource clock;

  public Committing(ImageStore images, Layers layers, InstantSource clock) {
    this.images = images;
    this.layers = layers;
    this.clock = clock;
  }

  /**
   * @param diff tar of the layer to put on top, read to its end and closed; null for no further one
   * @return id of the image, durable; nothing is left behind on a failure
   */
  public Digest commit(Request request, @Nullable InputStream diff, Limits limits) {
    try (InputStream tar = diff;
        var undo = new Undo()) {
      Layer made = tar == null ? null : layers.make(tar, request.layer(), limits);
      if (made != null) {
        undo.add(() -> layers.release(made.chain()));
      }
      Optional<Image> base = images.find(request.image());
      ImageConfig config = config(request, base, made);
      // By then the image holds the layer: the undo ends our hold.
      return images.add(config, base.map(Image::id).orElse(null), request.name());
    } catch (IOException e) {
      throw StoreFailure.of("commit", e);
    }
  }

  private ImageConfig config(Request request, Optional<Image> base, @Nullable Layer made) {
    Instant now = clock.instant();
    List<Digest> diffs = diffs(request.layer());
    List<ImageConfig.Step> steps =
        new ArrayList<>(
            base.map(image -> image.config().history())
                .orElseGet(() -> diffs.stream().map(diff -> unknown()).toList()));
    steps.add(
        new ImageConfig.Step(
            now, request.createdBy(), request.author(), request.comment(), made == null));
    if (made != null) {
      diffs.add(made.diff());
    }
    ImageConfig like = base.map(Image::config).orElseGet(() -> ImageStore.ofHost(request.run()));
    return new ImageConfig(
        like.architecture(),
        like.variant(),
        like.os(),
        now,
        request.author(),
        request.comment(),
        request.run(),
        diffs,
        steps);
  }

  private static ImageConfig.Step unknown() {
    return new ImageConfig.Step(null, "", "", "", false);
  }

  /** Lowest first. */
  private List<Digest> diffs(@Nullable Digest top) {
    LinkedList<Digest> diffs = new LinkedList<>();
    Digest next = top;
    while (next != null) {
      Digest at = next;
      Layer layer = layers.find(at).orElseThrow(() -> missing(at));
      diffs.addFirst(layer.diff());
      next = layer.parent();
    }
    return diffs;
  }

  private static GantryException missing(Digest layer) {
    return new GantryException(GantryException.Kind.NOT_FOUND, "layer does not exist: " + layer);
  }
}
