package io.gantry.monitor;

import java.net.ProtocolException;
import java.util.ArrayList;
import java.util.List;

/**
 * What a monitor has found out about the health of its container.
 *
 * @param streak checks in a row that failed
 * @param results the last ones, the oldest first: all that are kept in a greeting, the new one
 *     otherwise
 */
public record Checks(State state, int streak, List<CheckResult> results) {

  /** What the checks so far amount to. */
  public enum State {
    STARTING,
    HEALTHY,
    UNHEALTHY
  }

  public Checks {
    results = List.copyOf(results);
  }

  static Checks of(Message message) throws ProtocolException {
    List<CheckResult> results = new ArrayList<>();
    for (var value : message.all(Tag.RESULT)) {
      results.add(CheckResult.of(value));
    }
    long streak = Math.min(message.number(Tag.STREAK), Integer.MAX_VALUE);
    return new Checks(message.constant(Tag.HEALTH, State.values()), (int) streak, results);
  }
}
