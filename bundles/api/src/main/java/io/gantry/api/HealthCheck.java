package io.gantry.api;

import java.time.Duration;
import java.util.List;

/**
 * How to find out whether a container does what it is there for. Zero and empty: not asked for,
 * that is the image's, else the default.
 *
 * @param test {@code NONE}, or {@code CMD} and arguments, or {@code CMD-SHELL} and a text for the
 *     shell
 * @param interval from the end of one check to the next; 30 s by default
 * @param timeout of one check; 30 s by default
 * @param startPeriod in which failures do not count until a check has passed
 * @param startInterval the interval in this time; 5 s by default
 * @param retries failures in a row that make it unhealthy; 3 by default
 */
public record HealthCheck(
    List<String> test,
    Duration interval,
    Duration timeout,
    Duration startPeriod,
    Duration startInterval,
    int retries) {

  public HealthCheck {
    test = List.copyOf(test);
  }
}
