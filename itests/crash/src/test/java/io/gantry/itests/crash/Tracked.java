package io.gantry.itests.crash;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What one client knows of one of its containers: what was acknowledged, and the one step that was
 * under way when something died. From both follows what may be seen afterwards. Used by one thread
 * at a time, but for {@link #monitorKilled}.
 */
final class Tracked {
  final Program program;
  final boolean autoRemove;
  final boolean unstartable;
  String id = "";
  String name;

  /** By name, mounted at /vol; or empty. */
  String volume = "";

  /** It has one of its own at /bin, filled by what its image has there. */
  boolean anonymous;

  Phase phase = Phase.ABSENT;
  int exit;
  long pid;
  long began;

  /** When the client knew of its last start, by {@link System#nanoTime}. */
  long startedAt;

  Step pending = Step.NONE;
  String pendingName = "";
  int pendingMark = -1;
  int shares;
  int pendingShares;
  final Set<Integer> marks = new HashSet<>();
  List<String> log = List.of();
  volatile boolean monitorKilled;

  /** It was unsure when its client pruned. */
  boolean pruned;

  /** The end of the log is that of a run that never was, or was taken by a power cut. */
  boolean strayLines;

  /** Its log may have lost its end, and its run how it ended. */
  boolean afterPowerCut;

  /**
   * @param unstartable it names a program that its image does not have
   */
  Tracked(String name, Program program, boolean autoRemove, boolean unstartable) {
    this.name = name;
    this.program = program;
    this.autoRemove = autoRemove;
    this.unstartable = unstartable;
  }

  boolean unsure() {
    return pending != Step.NONE || monitorKilled;
  }

  void isAt(Phase now) {
    phase = now;
    pending = Step.NONE;
  }

  void exited(int code) {
    isAt(autoRemove ? Phase.ABSENT : Phase.EXITED);
    exit = code;
  }

  /** Existence and name are durable; a start, an end, and what a container wrote need not be. */
  void powerWasCut() {
    afterPowerCut = true;
    strayLines = true;
    marks.clear();
    log = List.of();
  }

  /** Takes what is seen for what is, from now on; says what is wrong with it. */
  List<String> settle(Seen seen) {
    List<String> wrong = new ArrayList<>();
    if (!allowed(seen)) {
      wrong.add(name + " (" + id + ") " + before() + ", now it is " + seen);
    }
    if (seen.phase() != Phase.ABSENT) {
      if (!seen.name().equals(name)
          && !(pending == Step.RENAME && seen.name().equals(pendingName))) {
        wrong.add(name + " is now called " + seen.name());
      }
      if (seen.shares() != shares && !(pending == Step.UPDATE && seen.shares() == pendingShares)) {
        wrong.add(name + " had " + shares + " shares of the CPU, now " + seen.shares());
      }
      id = seen.id();
      name = seen.name();
      shares = seen.shares();
    }
    if (pending == Step.START || pending == Step.RESTART) {
      strayLines = !seen.runs();
    }
    if (pending == Step.EXEC || pending == Step.COPY) {
      pendingMark = -1; // happened or not
    }
    pending = Step.NONE;
    monitorKilled = false;
    pruned = false;
    afterPowerCut = false;
    phase = seen.phase();
    exit = seen.exit();
    pid = seen.pid();
    began = seen.began();
    return wrong;
  }

  private String before() {
    String state =
        switch (phase) {
          case RUNNING, PAUSED -> phase + " as " + pid + "@" + began;
          case EXITED -> phase + " " + exit;
          default -> phase.toString();
        };
    return "was "
        + state
        + (pending == Step.NONE ? "" : " with " + pending + " under way")
        + (monitorKilled ? " and its monitor was killed" : "");
  }

  private boolean allowed(Seen seen) {
    if (afterPowerCut) {
      return isDurable(seen);
    }
    if (isAsAcknowledged(seen)) {
      return true;
    }
    if (monitorKilled && isLost(seen) || pruned && seen.phase() == Phase.ABSENT) {
      return true;
    }
    return switch (pending) {
      case NONE, RENAME, EXEC, COPY, UPDATE -> false;
      case CREATE -> seen.phase() == Phase.CREATED;
      case START, RESTART ->
          seen.phase() == Phase.RUNNING && seen.began() != 0
              || endedByItself(seen)
              || isRefusedStart(seen)
              || pending == Step.RESTART && isEnd(seen, Program.TERMINATED);
      case STOP -> isEnd(seen, Program.TERMINATED) || isEnd(seen, Program.KILLED);
      case KILL -> isEnd(seen, Program.KILLED);
      case PAUSE -> isSame(seen) && seen.phase() == Phase.PAUSED;
      case UNPAUSE -> isSame(seen) && seen.phase() == Phase.RUNNING;
      case REMOVE -> seen.phase() == Phase.ABSENT;
      case FORCED_REMOVE -> seen.phase() == Phase.ABSENT || isEnd(seen, Program.KILLED);
      case PRUNE -> seen.phase() == Phase.ABSENT;
    };
  }

  private boolean isDurable(Seen seen) {
    boolean there = seen.phase() == Phase.CREATED || seen.phase() == Phase.EXITED;
    if (autoRemove || phase == Phase.ABSENT && pending != Step.CREATE) {
      return seen.phase() == Phase.ABSENT;
    }
    boolean mayGo =
        switch (pending) {
          case CREATE, REMOVE, FORCED_REMOVE, PRUNE -> true;
          default -> pruned;
        };
    return there || mayGo && seen.phase() == Phase.ABSENT;
  }

  private boolean isAsAcknowledged(Seen seen) {
    return switch (phase) {
      case RUNNING ->
          !monitorKilled && seen.phase() == Phase.RUNNING && isSame(seen) || endedByItself(seen);
      case PAUSED -> !monitorKilled && seen.phase() == Phase.PAUSED && isSame(seen);
      case EXITED -> isEnd(seen, exit);
      default -> seen.phase() == phase;
    };
  }

  private boolean isSame(Seen seen) {
    return seen.pid() == pid && seen.began() == began;
  }

  private boolean endedByItself(Seen seen) {
    return !program.endless() && isEnd(seen, program.exit());
  }

  private boolean isEnd(Seen seen, int code) {
    return autoRemove
        ? seen.phase() == Phase.ABSENT
        : seen.phase() == Phase.EXITED && seen.exit() == code;
  }

  private boolean isLost(Seen seen) {
    return autoRemove
        ? seen.phase() == Phase.ABSENT
        : isEnd(seen, Program.KILLED) && seen.error().contains("monitor lost");
  }

  /** A start that failed has undone what it did, and says why. */
  private boolean isRefusedStart(Seen seen) {
    boolean there = seen.phase() == Phase.CREATED || seen.phase() == Phase.EXITED;
    return autoRemove && seen.phase() == Phase.ABSENT
        || there && seen.exit() >= 125 && seen.exit() <= 128;
  }

  /** The code of the run that is over; empty while it runs or before the first run. */
  Optional<Integer> ended() {
    return phase == Phase.EXITED ? Optional.of(exit) : Optional.empty();
  }
}
