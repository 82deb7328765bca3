package io.gantry.image;

import io.gantry.store.Digest;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What is on disk of images, besides the configuration itself. */
final class ImageRecords {

  private ImageRecords() {}

  /**
   * An image, under its id.
   *
   * @param manifest blob that described it where it came from, or null
   */
  record ImageRecord(@Nullable Digest parent, Instant added, @Nullable Digest manifest) {

    ImageRecord(@Nullable Digest parent, Instant added) {
      this(parent, added, null);
    }
  }

  /** A name, under itself in full. */
  record NameRecord(Digest image, Instant tagged) {}
}
