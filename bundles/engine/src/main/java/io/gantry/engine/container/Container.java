package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers.Exit;
import io.gantry.api.Health;
import io.gantry.engine.spec.Devices;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One container. Who changes it holds its lock; who looks reads the volatile snapshots without.
 *
 * <p>States: created → running ⇄ paused → exited → (by the user or the policy) running …; removed
 * from any but running. A start and the end of the same run are in order because both hold the
 * lock; a stop holds none while it waits for the end. None is held either while drivers let go of a
 * run that has ended, for which the next start waits, nor while a log is shipped or copies of files
 * are waited for before a removal, which keeps starts out.
 */
final class Container {
  /** A start that works is over by then. */
  private static final Duration GRACE = Duration.ofSeconds(2);

  private static final Duration AFTER_CANCEL = Duration.ofSeconds(5);

  /** A start may wait for somebody who copies files, for less than this. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  final String id;
  final ReentrantLock lock = new ReentrantLock();
  final Waiters waiters;
  final FileGate files;
  final PendingStreams pending = new PendingStreams();
  final Map<String, ExecProcess> execs = new ConcurrentHashMap<>();

  private volatile ContainerRecord record;
  private volatile RunRecord run;
  private volatile @Nullable Running running;
  private volatile @Nullable Launching launching;
  private volatile List<Mount> root = List.of();
  private volatile CompletableFuture<Void> left = CompletableFuture.completedFuture(null);
  private volatile CompletableFuture<Devices> look =
      CompletableFuture.completedFuture(Devices.NONE);
  private volatile boolean removed;
  private volatile boolean keepsRun;
  private volatile @Nullable Future<?> restart;
  private volatile boolean again;

  /** Removals that are under way: none of them may start it. */
  private final AtomicInteger removals = new AtomicInteger();

  /** Stops and kills by users that are under way: while there is one the policy keeps out. */
  private final AtomicInteger stops = new AtomicInteger();

  /** Restarts by users that are under way: an end is not the end of an ephemeral container. */
  private final AtomicInteger restarts = new AtomicInteger();

  private Duration restartDelay = Duration.ZERO; // guarded by lock

  Container(ContainerRecord record, RunRecord run) {
    this.id = record.id();
    this.files = new FileGate(record.id());
    this.record = record;
    this.run = run;
    this.waiters = new Waiters(new Exit(run.exitCode(), run.error()));
  }

  /** How its root is mounted, as its storage driver last said; empty while that is not known. */
  List<Mount> root() {
    return root;
  }

  void root(List<Mount> mounts) {
    root = List.copyOf(mounts);
  }

  ContainerRecord record() {
    return record;
  }

  void record(ContainerRecord changed) {
    record = changed;
  }

  RunRecord run() {
    return run;
  }

  void run(RunRecord changed) {
    run = changed;
  }

  @Nullable Running running() {
    return running;
  }

  void running(@Nullable Running now) {
    running = now;
  }

  void launching(@Nullable Launching now) {
    launching = now;
  }

  boolean isLaunching() {
    return launching != null;
  }

  /**
   * Takes the lock, for a caller that does not wait for ever: a driver may keep a start from
   * ending.
   *
   * @throws GantryException UNAVAILABLE
   */
  void hold() {
    if (!heldWithin(PATIENCE)) {
      throw busy();
    }
  }

  /** As {@link #hold}, for a start: drivers have let go of the run before. */
  void holdToStart() {
    long end = System.nanoTime() + PATIENCE.toNanos();
    hold();
    while (!left.isDone()) {
      lock.unlock();
      awaitLeft(end - System.nanoTime());
      hold();
    }
  }

  private void awaitLeft(long nanos) {
    try {
      left.get(nanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new GantryException(
          UNAVAILABLE,
          "container "
              + id
              + " has ended, and a driver does not let go of it: try again, or update the driver",
          e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("letting go cannot fail", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    }
  }

  /** Done when the drivers of a run that has ended have let go of it. */
  CompletableFuture<Void> left() {
    return left;
  }

  void left(CompletableFuture<Void> when) {
    left = when;
  }

  /** The last look at what it has of the host; one that hangs is not done. */
  CompletableFuture<Devices> look() {
    return look;
  }

  void look(CompletableFuture<Devices> now) {
    look = now;
  }

  /**
   * As {@link #hold}, for a stop: a start that takes long is cancelled.
   *
   * @return whether one was
   */
  boolean holdToStop() {
    if (heldWithin(GRACE)) {
      return false;
    }
    var start = launching;
    if (start != null) {
      start.cancel();
    }
    if (!heldWithin(start == null ? PATIENCE : AFTER_CANCEL)) {
      throw busy();
    }
    return start != null;
  }

  private boolean heldWithin(Duration limit) {
    try {
      return lock.tryLock(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    }
  }

  private GantryException busy() {
    return new GantryException(
        UNAVAILABLE,
        launching == null
            ? "container " + id + " is busy: try again in a few seconds"
            : "container "
                + id
                + " is being started, and a driver does not answer: try again, or update the"
                + " driver");
  }

  /**
   * @throws GantryException CONFLICT
   */
  Running requireRunning() {
    var now = running;
    if (now == null && (restart != null || again)) {
      throw new GantryException(
          CONFLICT, "Container " + id + " is restarting, wait until the container is running");
    }
    if (now == null) {
      throw new GantryException(CONFLICT, "container " + id + " is not running");
    }
    return now;
  }

  /** For whoever got the lock after somebody else removed it. */
  void requireThere() {
    if (removed) {
      throw new GantryException(NOT_FOUND, "No such container: " + id);
    }
  }

  void requireLasting() {
    requireThere();
    if (isRemoving()) {
      throw new GantryException(CONFLICT, "container is marked for removal and cannot be started");
    }
  }

  boolean isRemoving() {
    return removals.get() > 0;
  }

  /** A removal that has begun ends, unless it is done. */
  void removing(boolean begins) {
    removals.addAndGet(begins ? 1 : -1);
  }

  /**
   * How the last run ended could not be put on record: its directory, where the monitor wrote it,
   * stays for the next engine until another start or the removal.
   */
  boolean keepsRun() {
    return keepsRun;
  }

  void keepsRun(boolean now) {
    keepsRun = now;
  }

  boolean isRemoved() {
    return removed;
  }

  void markRemoved() {
    removed = true;
  }

  boolean isStopping() {
    return stops.get() > 0;
  }

  /** Every stop that has begun ends. */
  void stopping(boolean begins) {
    stops.addAndGet(begins ? 1 : -1);
  }

  boolean isKept() {
    return restarts.get() > 0;
  }

  /** Every restart that has begun ends. */
  void kept(boolean begins) {
    restarts.addAndGet(begins ? 1 : -1);
  }

  void restartAt(@Nullable Future<?> when) {
    restart = when;
  }

  /**
   * False when no restart was due. One whose time has come, and that waits for the lock, finds that
   * it is not wanted any more.
   */
  boolean cancelRestart() {
    var due = restart;
    restart = null;
    if (due == null) {
      return false;
    }
    due.cancel(false);
    return true;
  }

  boolean isRestarting() {
    return restart != null;
  }

  /**
   * Said from the end of a run that another follows until the time of that is set, and from then on
   * until its start is over: so long it is about to restart.
   */
  void startsAgain(boolean now) {
    again = now;
  }

  Duration restartDelay() {
    return restartDelay;
  }

  void restartDelay(Duration delay) {
    restartDelay = delay;
  }

  /** Null: nobody checks, or it has not been started yet. */
  @Nullable Health health() {
    var now = running;
    var watch = now == null ? null : now.watch();
    return watch == null ? run.health() : watch.health();
  }

  Status status() {
    var now = run;
    if (isRemoving()) {
      return Status.REMOVING;
    }
    if (now.running()) {
      return now.paused() ? Status.PAUSED : Status.RUNNING;
    }
    if (restart != null || again) {
      return Status.RESTARTING;
    }
    return now.started() == null ? Status.CREATED : Status.EXITED;
  }
}
