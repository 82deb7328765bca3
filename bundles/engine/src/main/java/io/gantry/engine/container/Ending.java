package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Containers.Exit;
import io.gantry.engine.container.Wiring.Wires;
import io.gantry.engine.spec.Modes;
import io.gantry.monitor.ExecExit;
import io.gantry.monitor.ExitRecord;
import io.gantry.spi.GantryException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What happens when a container ends: it is written down, told, cleared away, and then restarted or
 * removed if it is that kind. Each step is done whatever became of the one before: a container that
 * has ended must never look as if it ran.
 */
final class Ending {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final Workshop shop;
  private final ContainerRecords records;
  private final OwnFiles files;
  private final Mounting mounting;
  private final Wiring wiring;
  private final Grouping grouping;
  private final Removal removal;
  private final Teller teller;
  private final Consumer<Container> restart;

  /**
   * @param restart starts a container by its policy
   */
  Ending(
      Workshop shop,
      ContainerRecords records,
      OwnFiles files,
      Mounting mounting,
      Wiring wiring,
      Grouping grouping,
      Removal removal,
      Teller teller,
      Consumer<Container> restart) {
    this.shop = shop;
    this.records = records;
    this.files = files;
    this.mounting = mounting;
    this.wiring = wiring;
    this.grouping = grouping;
    this.removal = removal;
    this.teller = teller;
    this.restart = restart;
  }

  /** Sees to it that the end of the present run is noticed. */
  void watch(Container container) {
    var running = container.requireRunning();
    running.onOomKills(kills -> outOfMemorySoon(container, running));
    running.end.thenAccept(
        exit -> inBackground(() -> ended(container, running, exit), "end of " + container.id));
  }

  /** A flood of kills is told of a few times a second. */
  private void outOfMemorySoon(Container container, Running running) {
    if (!running.oomBecomesDue()) {
      return;
    }
    Runnable step =
        () -> inBackground(() -> outOfMemory(container, running), "a kill in " + container.id);
    Duration delay = running.oomDelay();
    if (delay.isNegative()) {
      step.run();
      return;
    }
    try {
      shop.timer().schedule(step, delay.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      log.log(INFO, "the engine stops: the next one tells of kills in {0}", container.id);
    }
  }

  private void outOfMemory(Container container, Running running) {
    container.lock.lock();
    try {
      var kills = running.oomKills();
      if (container.running() != running || kills == null || kills.count() <= running.oomTold()) {
        return;
      }
      running.oomTold(kills.count());
      var run = container.run().outOfMemory(kills.count());
      attempt("record a kill in", container, () -> records.putRun(container.record(), run));
      container.run(run);
      teller.tellAt(container.record(), "oom", Map.of(), kills.time());
    } finally {
      container.lock.unlock();
    }
  }

  /** On the monitors' thread, which an event does not hold up. */
  void execEnded(Container container, ExecExit exit) {
    var exec = container.execs.get(exit.execId());
    if (HealthWatches.isCheck(exit.execId(), container.id)) {
      if (exec != null) {
        tellExecEnd(container, exec.id(), exit); // before its watch hears of it
        container.execs.remove(exec.id());
        exec.ended(exit.status());
      }
    } else if (exec != null && exec.ended(exit.status())) {
      tellExecEnd(container, exec.id(), exit);
    }
  }

  private void tellExecEnd(Container container, String execId, ExecExit exit) {
    teller.tellExecEnd(container.record(), execId, exit.status(), exit.time());
  }

  private void ended(Container container, Running running, ExitRecord exit) {
    var left = new CompletableFuture<Void>();
    var wires = settle(container, running, exit, left);
    if (wires == null) {
      return;
    }
    try {
      letDriversGo(container, wires);
    } finally {
      left.complete(null);
    }
    removeIfOver(container);
  }

  /**
   * All that makes it a run that has ended, and who waits is told.
   *
   * @param left completes when its drivers have let go of it, which is up to the caller
   * @return what is left of its networks; null when it is not the present run
   */
  private @Nullable Wires settle(
      Container container, Running running, ExitRecord exit, CompletableFuture<Void> left) {
    container.lock.lock();
    try {
      if (container.running() != running) {
        return null;
      }
      var before = container.run();
      var watch = running.watch();
      var run = before.ended(exit, watch == null ? before.health() : watch.end());
      // First of all: the run directory, which goes next, holds the only other trace of it. That of
      // one that is about to be removed goes with it, and says the end until then.
      boolean goes = container.record().ephemeral() && !running.startsAgain();
      boolean written =
          !goes
              && attempt(
                  "record the end of", container, () -> records.putRun(container.record(), run));
      if (watch != null) {
        watch.forget();
      }
      container.keepsRun(!written);
      clearAway(container, running);
      boolean again = restarts(container, running, run);
      container.startsAgain(again);
      container.left(left);
      container.running(null);
      container.run(run);
      container.execs.values().forEach(ExecProcess::lost);
      Duration ran = running.ran(run, exit);
      if (exit.oomKills() > running.oomTold()) {
        teller.tellAt(container.record(), "oom", Map.of(), exit.time());
      }
      var wires = wiring.leave(container.record(), Wires.of(before));
      tell(container.record(), exit, ran);
      if (again) {
        restartLater(container, ran);
      }
      var told = new Exit(exit.status(), exit.error());
      container.waiters.ended(told, again);
      running.settled.complete(null);
      log.log(INFO, "container {0} ended with {1}", container.id, exit.status());
      return wires;
    } finally {
      container.startsAgain(false);
      running.settled.complete(null);
      container.lock.unlock();
    }
  }

  private void clearAway(Container container, Running running) {
    var record = container.record();
    attempt("let go of the monitor of", container, running::askToQuit);
    attempt("remove the control group of", container, () -> grouping.remove(record));
    attempt("let go of the monitor of", container, running::quit);
    if (record.spec().host().namespaces().ipc().equals(Modes.SHAREABLE)) {
      attempt(
          "unmount the shared memory of",
          container,
          () -> SharedMemory.unmount(shop.place().run(record.id())));
    }
    if (!container.keepsRun()) {
      attempt("clear the run of", container, () -> files.removeRun(record.id()));
    }
  }

  /** After everybody was told, and without the lock: a driver that hangs must not hide the end. */
  private void letDriversGo(Container container, Wires wires) {
    var record = container.record();
    wiring.letGo(record.id(), wires);
    attempt("let go of", container, () -> forget(record));
    attempt("unmount volumes of", container, () -> mounting.unmount(record, true));
  }

  private void forget(ContainerRecord record) {
    shop.execs()
        .call(
            record.execDriver(),
            driver -> {
              driver.delete(record.id());
              return true;
            });
  }

  private void tell(ContainerRecord record, ExitRecord exit, Duration ran) {
    teller.tellAt(
        record,
        "die",
        Map.of(
            "exitCode",
            Integer.toString(exit.status()),
            "execDuration",
            Long.toString(ran.toSeconds())),
        exit.time());
  }

  private boolean restarts(Container container, Running running, RunRecord run) {
    return running.startsAgain() ? !isStopped(container) : policyRestarts(container, run);
  }

  private static boolean policyRestarts(Container container, RunRecord run) {
    var life = container.record().spec().host().life();
    return RestartPolicy.of(life.restartPolicy(), life.restartMaximum())
        .restarts(run.exitCode(), isStopped(container), run.restarts());
  }

  private static boolean isStopped(Container container) {
    return container.isStopping() || container.record().stopped();
  }

  /** One whose restart was due when the former engine ended. */
  void restartFound(Container container) {
    container.lock.lock();
    try {
      restartLater(container, Duration.ZERO);
    } finally {
      container.lock.unlock();
    }
  }

  /** One that could not be started by its policy, for no reason of its own. */
  void restartAgain(Container container) {
    container.lock.lock();
    try {
      boolean isDown = container.running() == null && !container.isRemoving();
      if (isDown && !container.isRestarting() && policyRestarts(container, container.run())) {
        restartLater(container, Duration.ZERO);
      }
    } finally {
      container.lock.unlock();
    }
  }

  private void restartLater(Container container, Duration ran) {
    Duration delay = RestartPolicy.delay(container.restartDelay(), ran);
    container.restartDelay(delay);
    try {
      container.restartAt(
          shop.timer()
              .schedule(
                  () -> container.left().thenRun(() -> restartNow(container)),
                  delay.toMillis(),
                  TimeUnit.MILLISECONDS));
    } catch (RejectedExecutionException e) {
      log.log(INFO, "the engine stops: {0} is restarted by the next one", container.id);
    }
  }

  private void restartNow(Container container) {
    inBackground(() -> restart.accept(container), "restart of " + container.id);
  }

  /**
   * Removes an ephemeral one that does not run: it has ended, or could not be started. Who keeps it
   * from being removed (a copy, a commit, a restart) tries again when he is through. No lock of the
   * caller's may be held.
   */
  void removeIfOver(Container container) {
    if (container.record().ephemeral() && removal.isOver(container)) {
      container.files.onLetGo(
          () -> inBackground(() -> removeIfOver(container), "removal of " + container.id));
      attempt("remove", container, () -> removeUnlessUsed(container));
    }
  }

  private void removeUnlessUsed(Container container) {
    try {
      removal.removeUnused(container);
    } catch (GantryException e) {
      if (e.kind() != CONFLICT) {
        throw e;
      }
      log.log(INFO, "container {0} is not removed yet: {1}", container.id, e.getMessage());
    }
  }

  private static boolean attempt(String what, Container container, Runnable step) {
    try {
      step.run();
      return true;
    } catch (GantryException e) { // the other steps are no less needed
      log.log(WARNING, "cannot " + what + " container " + container.id, e);
      return false;
    }
  }

  private void inBackground(Runnable work, String what) {
    try {
      shop.workers()
          .execute(
              () -> {
                try {
                  work.run();
                } catch (RuntimeException e) {
                  log.log(WARNING, what + " failed", e);
                }
              });
    } catch (RejectedExecutionException e) {
      log.log(INFO, "the engine stops: the next one sees to the {0}", what);
    }
  }
}
