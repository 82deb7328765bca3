package io.gantry.image;

import io.gantry.store.Digest;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What is on disk of images, besides the configuration itself. */
final class ImageRecords {

  private ImageRecords() {}

  /** An image, under its id. */
  record ImageRecord(@Nullable Digest parent, Instant added) {}

  /** A name, under itself in full. */
  record NameRecord(Digest image, Instant tagged) {}
}
