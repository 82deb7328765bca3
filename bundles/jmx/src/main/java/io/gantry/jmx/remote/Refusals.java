package io.gantry.jmx.remote;

import java.time.Duration;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * How often the log may tell that clients are refused: whoever reaches the port can have that
 * happen thousands of times a second. Used by the one thread that accepts.
 */
final class Refusals {

  private static final Duration PAUSE = Duration.ofSeconds(10);

  private final LongSupplier nanos;
  private boolean told;
  private long last;
  private long untold;

  /**
   * @param nanos the time, as {@link System#nanoTime} tells it
   */
  Refusals(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** Counts one more; how many there are to tell of, or empty while it is too early. */
  OptionalLong another() {
    untold++;
    long now = nanos.getAsLong();
    if (told && now - last < PAUSE.toNanos()) {
      return OptionalLong.empty();
    }
    told = true;
    last = now;
    long count = untold;
    untold = 0;
    return OptionalLong.of(count);
  }
}
