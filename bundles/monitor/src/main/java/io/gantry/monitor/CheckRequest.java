package io.gantry.monitor;

import io.gantry.spi.Bytes;
import java.time.Duration;

/**
 * A health check for a monitor to carry out on its own, for as long as the container runs.
 *
 * @param program as an exec driver planned it
 * @param interval from the end of one to the next, more than zero
 * @param timeout of one, more than zero
 * @param startPeriod in which failures do not count until one has passed
 * @param startInterval the interval in this time, more than zero
 * @param retries failures in a row that make it unhealthy, more than zero
 */
public record CheckRequest(
    Bytes program,
    Duration interval,
    Duration timeout,
    Duration startPeriod,
    Duration startInterval,
    int retries) {

  Message.Builder message() {
    return Message.of(MessageType.CHECK)
        .number(Tag.INTERVAL_MS, millis(interval))
        .number(Tag.TIMEOUT_MS, millis(timeout))
        .number(Tag.START_PERIOD_MS, millis(startPeriod))
        .number(Tag.START_INTERVAL_MS, millis(startInterval))
        .number(Tag.RETRIES, retries)
        .bytes(Tag.PROGRAM, program.toArray());
  }

  /** Rounded up: what is asked for is more than zero. */
  private static long millis(Duration asked) {
    return asked.plusNanos(999_999).toMillis();
  }
}
