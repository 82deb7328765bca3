package io.gantry.api;

import java.time.Instant;
import java.util.List;

/**
 * How a container with a health check does.
 *
 * @param failingStreak checks in a row that failed
 * @param log the last checks, the oldest first
 */
public record Health(Status status, int failingStreak, List<Result> log) {

  public Health {
    log = List.copyOf(log);
  }

  /** What the checks so far amount to. */
  public enum Status {
    STARTING,
    HEALTHY,
    UNHEALTHY
  }

  /**
   * One check.
   *
   * @param exitCode 0: it passed; -1: it took too long or could not be carried out
   * @param output what it printed, cut, or why there is none
   */
  public record Result(Instant start, Instant end, int exitCode, String output) {}
}
