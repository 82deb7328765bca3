package io.gantry.spi.storage;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One snapshot as listed. */
public record Snapshot(
    String id, Kind kind, @Nullable String parent, Instant created, Map<String, String> labels) {

  /** What may be done with it. */
  public enum Kind {
    LAYER,
    WRITABLE,
    VIEW
  }

  public Snapshot {
    labels = Map.copyOf(labels);
  }
}
