package io.gantry.image.archive;

import io.gantry.image.ImageConfig;
import io.gantry.image.Reference;
import io.gantry.spi.Bytes;
import io.gantry.store.Digest;
import java.util.List;
import java.util.Optional;

/**
 * An image as an archive describes it.
 *
 * @param json its configuration, byte for byte
 * @param layers lowest first, as many as the configuration names
 * @param names to give it
 * @param digests {@code name@digest} to give it
 * @param manifest byte for byte, of an archive that has one
 */
record ArchivedImage(
    Bytes json,
    ImageConfig config,
    List<Source> layers,
    List<Reference> names,
    List<Reference> digests,
    Optional<Bytes> manifest) {

  /**
   * Where a layer comes from.
   *
   * @param mediaType as the manifest says, or empty
   */
  record Source(Member content, String mediaType) {}

  ArchivedImage {
    layers = List.copyOf(layers);
    names = List.copyOf(names);
    digests = List.copyOf(digests);
    if (layers.size() != config.diffs().size()) {
      throw Members.invalid(
          "invalid manifest, layers length mismatch: expected %d, got %d"
              .formatted(layers.size(), config.diffs().size()));
    }
    if (!config.os().isEmpty() && !config.os().equals("linux")) {
      throw Members.invalid("cannot load " + config.os() + " image on linux");
    }
  }

  Digest id() {
    return Digest.sha256(json.toArray());
  }
}
