package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.EXHAUSTED;
import static io.gantry.spi.GantryException.Kind.NOT_MODIFIED;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Containers.Exit;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stops, signals, pauses. No lock is held while a container is waited for; a container that does
 * not even end by SIGKILL is ended through its control group, without its monitor, and a monitor
 * that tells of no end then is killed: its container counts as lost.
 */
final class Stopping {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  /** Label of containers that are started again when they become unhealthy, or are not. */
  static final String RESTART_UNHEALTHY = "io.gantry.restart-unhealthy";

  private static final Duration DEFAULT = Duration.ofSeconds(10);
  private static final Duration AFTER_KILL = Duration.ofSeconds(10);

  /** A monitor that is there takes less than a millisecond. */
  private static final Duration ANSWER = Duration.ofSeconds(3);

  private final Place place;
  private final ContainerRecords records;
  private final Teller teller;

  Stopping(Place place, ContainerRecords records, Teller teller) {
    this.place = place;
    this.records = records;
    this.teller = teller;
  }

  /** The user wants it to end, and to stay so. */
  void stop(Container container, String ref, @Nullable String signal, @Nullable Duration timeout) {
    var running = container.running();
    if (running == null) {
      if (endRestarts(container)) {
        return;
      }
      running = container.running(); // a restart that was under way is over
      if (running == null) {
        throw new GantryException(NOT_MODIFIED, "container " + container.id + " does not run");
      }
    }
    int number = signal(container, signal, "cannot stop container: " + ref);
    container.stopping(true);
    try {
      running = rememberStop(container);
      if (running != null) {
        end(container, running, number, timeout == null ? ownTimeout(container) : timeout);
      }
    } finally {
      container.stopping(false);
    }
    teller.tell(container.record(), "stop");
  }

  /** What was asked for, or its own. */
  private static int signal(Container container, @Nullable String asked, String refusal) {
    try {
      return asked == null ? stopSignal(container) : Signals.parse(asked);
    } catch (GantryException e) {
      throw new GantryException(e.kind(), refusal + ": " + e.getMessage(), e);
    }
  }

  /** Ends it for what nobody need remember; false when it did not run. */
  boolean endIfRunning(
      Container container, String ref, @Nullable String signal, @Nullable Duration timeout) {
    var running = container.running();
    if (running == null && !endRestarts(container)) {
      running = container.running();
    }
    if (running == null) {
      return false;
    }
    int number = signal(container, signal, "Cannot restart container " + ref);
    container.stopping(true);
    try {
      end(container, running, number, timeout == null ? ownTimeout(container) : timeout);
    } finally {
      container.stopping(false);
    }
    return true;
  }

  /** Ends it for a removal by force, and what its policy started when it was faster than this. */
  void endAll(Container container, String ref) {
    boolean ended;
    do {
      ended = endIfRunning(container, ref, "KILL", AFTER_KILL);
    } while (ended);
  }

  /** Ends a run for the policy to start another, unless the user wants it to stay ended. */
  void endUnhealthy(Container container, Running running) {
    running.startAgain();
    end(container, running, stopSignal(container), ownTimeout(container));
  }

  /**
   * @param found looks it up
   */
  void kill(Supplier<Container> found, String ref, String signal) {
    try {
      int number = signal.isEmpty() ? Signals.KILL : Signals.parse(signal);
      var container = found.get();
      boolean meansEnd = number == Signals.KILL || number == stopSignal(container);
      boolean begins = container.isLaunching() || container.isRestarting();
      if (meansEnd && begins && endRestarts(container)) {
        return;
      }
      var running = container.requireRunning();
      if (!meansEnd) {
        send(container, running, number);
      } else if (!sendAndRemember(container, running, number)) {
        return;
      }
      if (number == Signals.KILL) {
        awaitEnd(container, running);
      }
    } catch (GantryException e) {
      throw new GantryException(
          e.kind(), "cannot kill container: " + ref + ": " + e.getMessage(), e);
    }
  }

  void pause(Container container) {
    container.hold();
    try {
      var running = container.requireRunning();
      if (container.run().paused()) {
        throw new GantryException(CONFLICT, "Container " + container.id + " is already paused");
      }
      freeze(container, running);
    } finally {
      container.lock.unlock();
    }
    teller.tell(container.record(), "pause");
  }

  private void freeze(Container container, Running running) {
    try (var undo = new Undo()) {
      undo.add(running.cgroup::thaw);
      running.cgroup.freeze();
      var run = container.run().paused(true);
      records.putRun(container.record(), run);
      container.run(run);
      undo.keep();
    }
  }

  void unpause(Container container) {
    container.hold();
    unpauseHeld(container);
  }

  /** Gives the container's lock back. */
  private void unpauseHeld(Container container) {
    try {
      var running = container.running();
      if (running == null || !container.run().paused()) {
        throw new GantryException(CONFLICT, "Container " + container.id + " is not paused");
      }
      thaw(container, running);
    } finally {
      container.lock.unlock();
    }
    teller.tell(container.record(), "unpause");
  }

  /**
   * Stops the processes of a container that runs, for a commit. Not written down: an engine that
   * finds them so after a crash lets them go on. False when there is nothing to stop.
   */
  boolean pauseForNow(Container container) {
    container.hold();
    try {
      var running = container.running();
      if (running == null || container.run().paused()) {
        return false;
      }
      running.cgroup.freeze();
      container.run(container.run().paused(true));
    } finally {
      container.lock.unlock();
    }
    teller.tell(container.record(), "pause");
    return true;
  }

  /** Takes {@link #pauseForNow} back; somebody else may have done so, or it has ended. */
  void goOn(Container container) {
    container.lock.lock(); // however long that takes: nobody else wakes it up
    try {
      unpauseHeld(container);
    } catch (GantryException e) {
      if (e.kind() != CONFLICT) {
        throw e;
      }
    }
  }

  private void end(Container container, Running running, int signal, Duration timeout) {
    try {
      send(container, running, signal);
    } catch (GantryException e) {
      if (running.end.isDone() || e.kind() == CONFLICT) {
        awaitEnd(container, running);
        return; // it ended by itself meanwhile, or is about to
      }
      if (e.kind() != UNAVAILABLE) {
        throw e;
      } // its monitor is silent: the control group is left
    }
    boolean inVain = signal == Signals.KILL && running.isSilent();
    if (inVain || !settles(running, timeout)) {
      try {
        send(container, running, Signals.KILL);
      } catch (GantryException e) {
        if (e.kind() != CONFLICT) {
          throw e;
        } // it ended at this moment
      }
      awaitEnd(container, running);
    }
  }

  /**
   * A signal that is to end a paused container wakes it up. Under the lock: the end that a signal
   * brings is told after the signal. SIGKILL never fails because the monitor is silent: {@link
   * #awaitEnd} does without.
   */
  private void send(Container container, Running running, int signal) {
    container.hold();
    try {
      if (container.running() != running) {
        throw new GantryException(CONFLICT, "it ended meanwhile");
      }
      if (signal != Signals.KILL) {
        running.signal(signal, ANSWER);
      } else if (!running.isSilent()) {
        kill(container, running);
      }
      teller.tell(container.record(), "kill", Map.of("signal", Integer.toString(signal)));
      boolean meansEnd = signal == Signals.KILL || signal == stopSignal(container);
      if (meansEnd && container.running() == running && container.run().paused()) {
        thaw(container, running);
      }
    } catch (GantryException e) {
      if (e.kind() == CONFLICT || running.end.isDone()) {
        throw new GantryException(CONFLICT, "container " + container.id + " is not running", e);
      }
      throw e;
    } finally {
      container.lock.unlock();
    }
  }

  private static void kill(Container container, Running running) {
    try {
      running.signal(Signals.KILL, ANSWER);
    } catch (GantryException e) {
      if (!running.isSilent()) {
        throw e;
      }
      log.log(WARNING, "container {0} is killed without its monitor: {1}", container.id, e);
    }
  }

  private void thaw(Container container, Running running) {
    running.cgroup.thaw();
    container.run(container.run().paused(false));
    records.putRun(container.record(), container.run());
  }

  private void awaitEnd(Container container, Running running) {
    if (!running.isSilent() && settles(running, AFTER_KILL)) {
      return;
    }
    running.cgroup.kill(); // fails while a process hangs in the kernel
    if (settles(running, running.isSilent() ? ANSWER : AFTER_KILL)) {
      return;
    }
    if (!killMonitor(container, running) || !settles(running, AFTER_KILL)) {
      throw new GantryException(
          UNAVAILABLE,
          "container "
              + container.id
              + " was killed, and "
              + (running.end.isDone()
                  ? "its end is not written down yet"
                  : "its monitor is silent"));
    }
  }

  private boolean killMonitor(Container container, Running running) {
    container.hold();
    try {
      var run = container.run();
      return container.running() == running
          && !running.end.isDone()
          && MonitorProcess.kill(place.run(container.id), run.pid(), run.initStart());
    } finally {
      container.lock.unlock();
    }
  }

  /**
   * @param timeout negative: for ever
   */
  private static boolean settles(Running running, Duration timeout) {
    try {
      if (timeout.isNegative()) {
        running.settled.get();
      } else {
        running.settled.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
      }
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("an end cannot fail", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    }
  }

  /**
   * True when the policy would have started it again, or somebody was about to. Waits for a start
   * that is under way, and cancels one that takes long.
   */
  private boolean endRestarts(Container container) {
    boolean cancelled = container.holdToStop();
    try {
      if (container.running() != null || !(container.cancelRestart() || cancelled)) {
        return false;
      }
      remember(container);
      container.waiters.ended(new Exit(container.run().exitCode(), container.run().error()), false);
      return true;
    } finally {
      container.lock.unlock();
    }
  }

  /**
   * Whatever happened before the lock was had, from now on the policy keeps out.
   *
   * @return what is left to end, null for nothing
   */
  private @Nullable Running rememberStop(Container container) {
    container.hold();
    try {
      container.requireThere();
      remember(container);
      endRestart(container);
      return container.running();
    } finally {
      container.lock.unlock();
    }
  }

  /**
   * A signal that is refused has not been asked for. One for a run that has ended meanwhile ends
   * the restart that its policy owes, if any.
   *
   * @return false when there is nothing left to end
   */
  private boolean sendAndRemember(Container container, Running running, int signal) {
    container.hold();
    try (var undo = new Undo()) {
      container.requireThere();
      if (container.running() == null && container.isRestarting()) {
        remember(container);
        endRestart(container);
        return false;
      }
      if (container.running() == running) {
        var before = container.record();
        undo.add(() -> recall(container, before));
        remember(container);
      }
      send(container, running, signal);
      undo.keep();
      return true;
    } finally {
      container.lock.unlock();
    }
  }

  private void recall(Container container, ContainerRecord before) {
    if (container.record() != before) {
      container.record(before);
      records.put(before);
    }
  }

  private static void endRestart(Container container) {
    if (container.cancelRestart()) {
      container.waiters.ended(new Exit(container.run().exitCode(), container.run().error()), false);
    }
  }

  private void remember(Container container) {
    if (!container.record().stopped()) {
      var stopped = container.record().stopped(true);
      try {
        records.putStopped(stopped);
      } catch (GantryException e) {
        if (e.kind() != EXHAUSTED) {
          throw e;
        } // ending it may be what makes room
        log.log(WARNING, "that {0} is to stay stopped is not on disk: {1}", container.id, e);
      }
      container.record(stopped);
    }
  }

  private static int stopSignal(Container container) {
    String signal = container.record().spec().process().stopSignal();
    return signal.isEmpty() ? Signals.TERM : Signals.parse(signal);
  }

  private static Duration ownTimeout(Container container) {
    Integer seconds = container.record().spec().process().stopTimeoutSeconds();
    return seconds == null ? DEFAULT : Duration.ofSeconds(seconds);
  }
}
