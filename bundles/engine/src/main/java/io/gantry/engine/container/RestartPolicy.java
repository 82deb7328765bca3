package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.time.Duration;

/**
 * When a container that ended is started again.
 *
 * @param name {@code no}, {@code always}, {@code on-failure} or {@code unless-stopped}
 * @param maximum restarts of {@code on-failure}, 0 for any number
 */
record RestartPolicy(String name, int maximum) {
  private static final Duration FIRST = Duration.ofMillis(100);
  private static final Duration LONGEST = Duration.ofMinutes(1);

  /** A run at least this long ends a series of failures. */
  private static final Duration STABLE = Duration.ofSeconds(10);

  static RestartPolicy of(String name, int maximum) {
    switch (name) {
      case "", "no", "always", "unless-stopped" -> {
        if (maximum > 0) {
          throw invalid("maximum retry count can only be used with 'on-failure'");
        }
      }
      case "on-failure" -> {
        if (maximum < 0) {
          throw invalid("maximum retry count cannot be negative");
        }
      }
      default ->
          throw invalid(
              "unknown policy '"
                  + name
                  + "'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
    }
    return new RestartPolicy(name.isEmpty() ? "no" : name, maximum);
  }

  private static GantryException invalid(String why) {
    return new GantryException(INVALID, "invalid restart policy: " + why);
  }

  boolean never() {
    return name.equals("no");
  }

  /**
   * @param stopped the user wanted it to end
   * @param restarts made so far in a row
   */
  boolean restarts(int exitCode, boolean stopped, int restarts) {
    if (stopped) {
      return false;
    }
    return switch (name) {
      case "always", "unless-stopped" -> true;
      case "on-failure" -> exitCode != 0 && (maximum == 0 || restarts < maximum);
      default -> false;
    };
  }

  /** Whether it is started when the engine finds it ended after a reboot. */
  boolean startsWithEngine(boolean stopped) {
    return name.equals("always") || (name.equals("unless-stopped") && !stopped);
  }

  /** How long to wait, given the wait before and how long it ran. */
  static Duration delay(Duration last, Duration ran) {
    if (last.isZero() || ran.compareTo(STABLE) >= 0) {
      return FIRST;
    }
    var twice = last.multipliedBy(2);
    return twice.compareTo(LONGEST) > 0 ? LONGEST : twice;
  }
}
