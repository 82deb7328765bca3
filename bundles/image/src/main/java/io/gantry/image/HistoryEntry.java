package io.gantry.image;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One step of how an image came to be; {@code id} is {@code <missing>} unless it is an image here.
 */
public record HistoryEntry(
    String id,
    @Nullable Instant created,
    String createdBy,
    List<String> tags,
    long bytes,
    String comment) {

  public HistoryEntry {
    tags = List.copyOf(tags);
  }
}
