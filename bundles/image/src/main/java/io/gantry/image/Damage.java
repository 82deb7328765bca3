package io.gantry.image;

import io.gantry.store.Digest;
import java.util.List;

/**
 * Something of an image that is not what it was.
 *
 * @param driver storage driver that holds the layer, empty for blobs
 * @param images that need it
 */
public record Damage(What what, Digest id, String driver, String reason, List<Digest> images) {

  /** What may be damaged. */
  public enum What {
    /** A tree, by its chain id. */
    LAYER,
    CONFIGURATION,
    MANIFEST,
    /** A compressed layer as it came; it is not needed. */
    BLOB
  }

  public Damage {
    images = List.copyOf(images);
  }
}
