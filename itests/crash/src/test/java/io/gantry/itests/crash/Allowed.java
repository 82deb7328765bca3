package io.gantry.itests.crash;

/** In which states a container may be found after a death, given what its client knows. */
final class Allowed {
  /** Of the last restart that a policy allows, when a helper died in it. */
  private static final int NOT_STARTED = 128;

  private final Tracked one;
  private final Seen seen;

  private Allowed(Tracked one, Seen seen) {
    this.one = one;
    this.seen = seen;
  }

  static boolean is(Tracked one, Seen seen) {
    Allowed allowed = new Allowed(one, seen);
    return one.afterPowerCut ? allowed.isDurable() : allowed.isFound();
  }

  /**
   * Whether it has to be found running, though an engine may need a moment to start it: what its
   * policy wants, or what was not stopped.
   */
  static boolean hasToRun(Tracked one) {
    boolean isLeftAlone = one.pending == Step.NONE || one.pending == Step.CRASH;
    return one.policy.ignoresStops() && one.engineDied && one.phase == Phase.EXITED
        || isLeftAlone
            && !one.pruned
            && one.phase == Phase.RUNNING
            && (one.policy.equals(Policy.ALWAYS) || one.policy.equals(Policy.UNLESS_STOPPED));
  }

  private boolean isFound() {
    if (isAsAcknowledged() || isRestarted()) {
      return true;
    }
    if (one.monitorKilled && isLost() || one.pruned && seen.phase() == Phase.ABSENT) {
      return true;
    }
    return switch (one.pending) {
      case NONE, RENAME, EXEC, COPY, UPDATE, CRASH -> false;
      case CREATE -> seen.phase() == Phase.CREATED;
      case START, RESTART ->
          isAlive()
              || endedByItself()
              || isRefusedStart()
              || one.pending == Step.RESTART
                  && (isEnd(Program.TERMINATED) || isStoppedForRestart());
      case STOP -> isEnd(Program.TERMINATED) || isEnd(Program.KILLED) || isStoppedAnywhere();
      case KILL -> isEnd(Program.KILLED) || isStoppedAnywhere();
      case PAUSE -> isSame() && seen.phase() == Phase.PAUSED;
      case UNPAUSE -> isSame() && seen.phase() == Phase.RUNNING;
      case REMOVE, PRUNE -> seen.phase() == Phase.ABSENT;
      case FORCED_REMOVE ->
          seen.phase() == Phase.ABSENT
              || isEnd(Program.KILLED)
              || isStoppedAnywhere()
              || isKilledForNothing();
    };
  }

  /** Between two runs, or by its policy in the next one. */
  private boolean isRestarted() {
    boolean ran = one.phase == Phase.RUNNING || one.phase == Phase.PAUSED;
    boolean comes = isAlive() || seen.phase() == Phase.RESTARTING;
    if (one.policy.ignoresStops() && one.engineDied && one.phase != Phase.CREATED && comes) {
      return one.phase != Phase.ABSENT; // a user's stop holds until the next engine
    }
    boolean wasKilled = one.monitorKilled || one.pending == Step.CRASH || isBetweenRuns();
    if (!ran && !isStarting() || !one.isRestless() && !wasKilled && !isStarting()) {
      return false;
    }
    int code = wasKilled ? Program.KILLED : one.program.exit();
    if (!one.policy.restarts(code)) {
      return false;
    }
    return comes
        || one.policy.isSpent(seen.restarts())
            && (isEnd(one.program.exit()) || isEnd(Program.KILLED) || isEnd(NOT_STARTED));
  }

  /** Its monitor was killed again and again, and its next run was not due yet at the last look. */
  private boolean isBetweenRuns() {
    return one.phase == Phase.RUNNING && one.pid == 0;
  }

  private boolean isStarting() {
    return one.isRestless() && (one.pending == Step.START || one.pending == Step.RESTART);
  }

  /** A stop may come between two runs, of which the last one ended by itself. */
  private boolean isStoppedAnywhere() {
    return one.isRestless() && isEnd(one.program.exit());
  }

  /** The start that its end was for has not happened, so its policy makes it. */
  private boolean isStoppedForRestart() {
    return one.policy.restarts(Program.TERMINATED) && seen.phase() == Phase.RESTARTING;
  }

  /** The removal that its end was for has not happened, so its policy starts it again. */
  private boolean isKilledForNothing() {
    return one.policy.restarts(Program.KILLED) && (isAlive() || seen.phase() == Phase.RESTARTING);
  }

  private boolean isDurable() {
    boolean ended = seen.phase() == Phase.CREATED || seen.phase() == Phase.EXITED;
    if (one.autoRemove || one.phase == Phase.ABSENT && one.pending != Step.CREATE) {
      return seen.phase() == Phase.ABSENT;
    }
    boolean mayGo =
        switch (one.pending) {
          case CREATE, REMOVE, FORCED_REMOVE, PRUNE -> true;
          default -> one.pruned;
        };
    return ended || mayGo && seen.phase() == Phase.ABSENT || mayRunAgain();
  }

  /** A stop is as durable as its container; that it ever ran may be lost. */
  private boolean mayRunAgain() {
    boolean comes = isAlive() || seen.phase() == Phase.RESTARTING;
    boolean stopped = one.phase == Phase.EXITED && one.pending != Step.START;
    return comes
        && (one.policy.ignoresStops() || one.policy.restarts(Program.KILLED) && !stopped)
        && one.phase != Phase.ABSENT;
  }

  private boolean isAsAcknowledged() {
    return switch (one.phase) {
      case RUNNING ->
          !one.monitorKilled && seen.phase() == Phase.RUNNING && isSame() || endedByItself();
      case PAUSED -> !one.monitorKilled && seen.phase() == Phase.PAUSED && isSame();
      case EXITED -> isEnd(one.exit) && !(hasToRun(one) && one.pending == Step.NONE);
      default -> seen.phase() == one.phase;
    };
  }

  private boolean isAlive() {
    return seen.phase() == Phase.RUNNING && seen.began() != 0;
  }

  private boolean isSame() {
    return seen.pid() == one.pid && seen.began() == one.began;
  }

  private boolean endedByItself() {
    return !one.program.isEndless() && !one.isRestless() && isEnd(one.program.exit());
  }

  private boolean isEnd(int code) {
    return one.autoRemove
        ? seen.phase() == Phase.ABSENT
        : seen.phase() == Phase.EXITED && seen.exit() == code;
  }

  private boolean isLost() {
    boolean stays =
        !one.policy.restarts(Program.KILLED)
            || one.policy.isSpent(seen.restarts())
            || one.phase == Phase.EXITED
            || one.pending == Step.STOP
            || one.pending == Step.KILL
            || one.pending == Step.FORCED_REMOVE
            || one.pending == Step.RESTART;
    return one.autoRemove
        ? seen.phase() == Phase.ABSENT
        : isEnd(Program.KILLED) && seen.error().contains("monitor lost") && stays;
  }

  /** A start that failed has undone what it did, and says why. */
  private boolean isRefusedStart() {
    boolean there = seen.phase() == Phase.CREATED || seen.phase() == Phase.EXITED;
    return one.autoRemove && seen.phase() == Phase.ABSENT
        || there && seen.exit() >= 125 && seen.exit() <= 128;
  }
}
