package io.gantry.engine.container;

import java.math.BigDecimal;
import java.time.Duration;

/** Durations as Go's users read them: {@code 1m30s}, {@code 1.5s}, {@code 20ms}. */
final class GoDuration {
  private GoDuration() {}

  static String text(Duration duration) {
    long nanos = duration.toNanos();
    if (nanos == 0) {
      return "0s";
    }
    if (nanos < 1_000_000_000) {
      return nanos < 1_000
          ? nanos + "ns"
          : nanos < 1_000_000 ? decimal(nanos, 3) + "µs" : decimal(nanos, 6) + "ms";
    }
    long minutes = duration.toMinutes();
    String seconds = decimal(nanos % 60_000_000_000L, 9) + "s";
    if (minutes == 0) {
      return seconds;
    }
    return minutes < 60
        ? minutes + "m" + seconds
        : minutes / 60 + "h" + minutes % 60 + "m" + seconds;
  }

  private static String decimal(long number, int digits) {
    return number == 0
        ? "0"
        : BigDecimal.valueOf(number, digits).stripTrailingZeros().toPlainString();
  }
}
