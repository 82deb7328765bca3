package io.gantry.registry.client.push;

import io.gantry.image.manifest.Descriptor;
import io.gantry.store.Digest;
import org.jspecify.annotations.Nullable;

/**
 * A layer that a registry is to have.
 *
 * @param preferred blob that the image's own manifest names, or null
 */
record Cargo(Digest chain, Digest diff, @Nullable Descriptor preferred) {

  /** As clients see it. */
  String id() {
    return diff.hex().substring(0, 12);
  }
}
