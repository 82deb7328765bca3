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

  Policy policy = Policy.NO;
  LogKind logs = LogKind.PLAIN;
  final List<Trait> traits = new ArrayList<>();

  Phase phase = Phase.ABSENT;
  int exit;
  long pid;
  long began;

  /** That its policy has made since somebody started it. */
  int restarts;

  /** What its present run is known to have used. */
  long cpuNanos;

  /** When the client knew of its last start, by {@link System#nanoTime}. */
  long startedAt;

  Step pending = Step.NONE;
  String pendingName = "";
  int pendingMark = -1;
  Limits limits = Limits.NONE;
  Limits pendingLimits = Limits.NONE;

  /** The kernel may have those of an update that never was. */
  boolean limitsUnsure;

  final Set<Integer> marks = new HashSet<>();
  List<String> log = List.of();
  volatile boolean monitorKilled;

  /** Another engine serves than the one that acknowledged it. */
  boolean engineDied;

  /** It was unsure when its client pruned. */
  boolean pruned;

  /** The end of the log is that of a run that never was, or was taken by a power cut. */
  boolean strayLines;

  /** What is in its log and what was shipped of it need no longer be the same. */
  boolean shipsNoMore;

  /** Its log may have lost its end, and its run how it ended. */
  boolean afterPowerCut;

  /** Whether its last run may have been ended by a client, and not by its program. */
  boolean endedByForce;

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

  /** Its policy starts it again each time its program ends. */
  boolean isRestless() {
    return !program.isEndless() && policy.restarts(program.exit());
  }

  void isAt(Phase now) {
    phase = now;
    pending = Step.NONE;
  }

  void exited(int code) {
    isAt(autoRemove ? Phase.ABSENT : Phase.EXITED);
    exit = code;
  }

  /** It runs anew. */
  void runsAs(Seen seen) {
    pid = seen.pid();
    began = seen.began();
    restarts = seen.restarts();
    cpuNanos = 0;
    endedByForce = false;
    limitsUnsure = false;
    isAt(Phase.RUNNING);
  }

  /** With a check that hangs, or a limit that it watches. */
  boolean keepsItsMonitorBusy() {
    return limits.memory() != 0 || traits.stream().anyMatch(Health.class::isInstance);
  }

  /** Existence and name are durable; a start, an end, and what a container wrote need not be. */
  void powerWasCut() {
    afterPowerCut = true;
    strayLines = true;
    marks.clear();
    log = List.of();
    traits.forEach(Trait::powerWasCut);
  }

  /** Takes what is seen for what is, from now on; says what is wrong with it. */
  List<String> settle(Seen seen) {
    List<String> wrong = new ArrayList<>();
    if (!Allowed.is(this, seen)) {
      wrong.add(name + " (" + id + ") " + before() + ", now it is " + seen);
    }
    if (seen.phase() != Phase.ABSENT) {
      if (!seen.name().equals(name)
          && !(pending == Step.RENAME && seen.name().equals(pendingName))) {
        wrong.add(name + " is now called " + seen.name());
      }
      if (!seen.limits().equals(limits)
          && !(pending == Step.UPDATE && seen.limits().equals(pendingLimits))) {
        wrong.add(name + " had " + limits + ", now " + seen.limits());
      }
      if (seen.restarts() < restarts
          && !afterPowerCut
          && !(engineDied && phase == Phase.EXITED) // started by the engine, not by its policy
          && pending != Step.START
          && pending != Step.RESTART) {
        wrong.add(name + " was restarted " + restarts + " times, now " + seen.restarts());
      }
      id = seen.id();
      name = seen.name();
      limits = seen.limits();
      restarts = seen.restarts();
    }
    forget(seen);
    phase = seen.phase() == Phase.RESTARTING ? Phase.RUNNING : seen.phase();
    exit = seen.exit();
    if (pid != seen.pid() || began != seen.began()) {
      cpuNanos = 0;
    }
    pid = seen.pid();
    began = seen.began();
    return wrong;
  }

  private void forget(Seen seen) {
    switch (pending) {
      case START, RESTART -> {
        strayLines = !seen.runs();
        endedByForce = !seen.runs();
      }
      case EXEC, COPY -> pendingMark = -1; // happened or not
      case UPDATE -> limitsUnsure = true;
      case KILL, STOP, FORCED_REMOVE -> endedByForce = true;
      default -> {}
    }
    endedByForce |= monitorKilled || afterPowerCut;
    pending = Step.NONE;
    monitorKilled = false;
    engineDied = false;
    pruned = false;
    afterPowerCut = false;
  }

  private String before() {
    String state =
        switch (phase) {
          case RUNNING, PAUSED -> phase + " as " + pid + "@" + began;
          case EXITED -> phase + " " + exit;
          default -> phase.toString();
        };
    return "("
        + policy.name()
        + ") was "
        + state
        + (pending == Step.NONE ? "" : " with " + pending + " under way")
        + (monitorKilled ? " and its monitor was killed" : "");
  }

  /** The code of the run that is over; empty while it runs or before the first run. */
  Optional<Integer> ended() {
    return phase == Phase.EXITED ? Optional.of(exit) : Optional.empty();
  }
}
