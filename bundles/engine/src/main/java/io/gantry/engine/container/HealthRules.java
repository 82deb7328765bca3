package io.gantry.engine.container;

import io.gantry.api.Health;
import io.gantry.api.Health.Result;
import io.gantry.api.Health.Status;
import io.gantry.api.HealthCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What follows from the results of health checks, the same as with dockerd. */
final class HealthRules {
  static final int KEPT = 5;

  private HealthRules() {}

  /**
   * Of a run that begins: what the one before left in the log stays there.
   *
   * @param last null: there was none
   */
  static Health starting(@Nullable Health last) {
    return new Health(Status.STARTING, 0, last == null ? List.of() : last.log());
  }

  /** Of a run that is over: clients that wait for health must not be told that there is some. */
  static Health ended(Health last) {
    return new Health(Status.UNHEALTHY, last.failingStreak(), last.log());
  }

  /**
   * After one more check.
   *
   * @param check with its defaults filled in
   * @param age of the run when the check began
   */
  static Health after(Health before, Result result, HealthCheck check, Duration age) {
    var log = new ArrayList<>(before.log());
    log.add(result);
    if (log.size() > KEPT) {
      log.subList(0, log.size() - KEPT).clear();
    }
    if (result.exitCode() == 0) {
      return new Health(Status.HEALTHY, 0, log);
    }
    if (before.status() == Status.STARTING && age.compareTo(check.startPeriod()) < 0) {
      return new Health(Status.STARTING, before.failingStreak(), log);
    }
    int streak = before.failingStreak() + 1;
    return new Health(streak >= check.retries() ? Status.UNHEALTHY : before.status(), streak, log);
  }

  /** From the end of a check, or from the start, to the next check. */
  static Duration interval(Health health, HealthCheck check, Duration age) {
    boolean begins = health.status() == Status.STARTING && age.compareTo(check.startPeriod()) < 0;
    return begins ? check.startInterval() : check.interval();
  }
}
