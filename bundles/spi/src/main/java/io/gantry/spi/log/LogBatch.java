package io.gantry.spi.log;

import io.gantry.spi.Bytes;
import java.time.Instant;
import java.util.List;

/**
 * Lines in order.
 *
 * @param id grows with every batch of a container; names the place in the spool
 */
public record LogBatch(String id, List<Line> lines) {

  public LogBatch {
    lines = List.copyOf(lines);
  }

  /**
   * @param stream {@code stdout} or {@code stderr}
   * @param partial the line goes on in the next one
   */
  public record Line(Instant at, String stream, Bytes text, boolean partial) {}
}
