package io.gantry.registry.client.push;

import io.gantry.image.manifest.Descriptor;
import io.gantry.store.Digest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A layer that a registry is to have.
 *
 * @param preferred blob that the image's own manifest names, or null
 * @param homes paths of other repositories of the registry that may have that blob
 */
record Cargo(Digest chain, Digest diff, @Nullable Descriptor preferred, List<String> homes) {

  /** For a manifest that is written anew. */
  Cargo withoutPreference() {
    return new Cargo(chain, diff, null, List.of());
  }

  /** As clients see it. */
  String id() {
    return diff.hex().substring(0, 12);
  }
}
