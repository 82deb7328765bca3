package io.gantry.engine.container;

import io.gantry.linux.Cgroup;
import io.gantry.monitor.Checks;
import io.gantry.monitor.ExecExit;
import io.gantry.monitor.ExitRecord;
import io.gantry.monitor.Monitor;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.TaskSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One run of a container, from the start of its monitor to the end. Its listener only hands on: it
 * is called on the thread that serves all monitors.
 */
final class Running implements Monitor.Listener {
  private static final int KILLED = 137;

  /** Of kills that follow each other faster only the last is told. */
  private static final Duration OOM_PERIOD = Duration.ofMillis(100);

  /** For a monitor that was found again and has not answered yet: others wait for the lock. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** So much of health checks is kept until somebody hears of it. */
  private static final int UNHEARD = 64;

  final Cgroup cgroup;
  final CompletableFuture<ExitRecord> end = new CompletableFuture<>();

  /** Completes when the end has been written down and told. */
  final CompletableFuture<Void> settled = new CompletableFuture<>();

  private final InstantSource clock;
  private final Consumer<ExecExit> execs;
  private final long since = System.nanoTime();
  private volatile @Nullable Duration before = Duration.ZERO;
  private volatile @Nullable Monitor monitor;

  /** Done when its monitor has answered or will not: for one that was found again. */
  private volatile CompletableFuture<Void> met = CompletableFuture.completedFuture(null);

  private volatile @Nullable TaskSpec task;
  private final ReentrantLock watching = new ReentrantLock();
  private final Deque<Runnable> unheard = new ArrayDeque<>(); // guarded by watching
  private volatile @Nullable HealthWatch watch; // written under watching
  private volatile boolean again;
  private volatile boolean silent;
  private final AtomicReference<@Nullable OomKills> oomKills = new AtomicReference<>();
  private volatile Consumer<OomKills> onOomKills = kills -> {};
  private final AtomicBoolean oomDue = new AtomicBoolean();
  private volatile long oomTold;
  private volatile long oomToldAt = System.nanoTime() - OOM_PERIOD.toNanos();
  private volatile CompletableFuture<Void> begun = CompletableFuture.completedFuture(null);

  /**
   * @param execs hears of the end of exec'ed processes, on the monitors' thread
   */
  Running(Cgroup cgroup, InstantSource clock, Consumer<ExecExit> execs) {
    this.cgroup = cgroup;
    this.clock = clock;
    this.execs = execs;
  }

  /**
   * For one that is found again, before its monitor is asked: what is heard of an end counts once
   * it is known that the run {@link #hasBegun}. A monitor that was never told to go on ends as
   * well.
   */
  void isFound() {
    begun = new CompletableFuture<>();
    if (monitor == null && met.isDone()) {
      var answered = new CompletableFuture<Void>();
      end.whenComplete((exit, failure) -> answered.complete(null));
      met = answered;
    }
  }

  void hasBegun() {
    begun.complete(null);
  }

  void monitor(Monitor of) {
    monitor = of;
    met.complete(null);
  }

  /**
   * Waits for a monitor that was found again and is slow.
   *
   * @throws GantryException UNAVAILABLE when it is silent
   */
  Monitor monitor() {
    return monitor(PATIENCE);
  }

  /**
   * The same for who does not wait so long.
   *
   * @param patience zero: not at all
   */
  Monitor monitor(Duration patience) {
    if (monitor == null) {
      awaitMonitor(patience);
    }
    var of = monitor;
    if (of == null) {
      throw new GantryException(
          GantryException.Kind.UNAVAILABLE,
          "the container's monitor does not answer: try again in a few seconds");
    }
    return of;
  }

  private void awaitMonitor(Duration patience) {
    try {
      met.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      // said by who waits
    } catch (ExecutionException e) {
      throw new IllegalStateException("a meeting cannot fail", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(GantryException.Kind.CANCELLED, "cancelled", e);
    }
  }

  /** Null as long as a monitor that was found again is silent. */
  @Nullable Monitor monitorIfAny() {
    return monitor;
  }

  /**
   * Has the monitor send a signal to the first process. A monitor that does not answer so soon
   * counts as silent until it answers another one; it may still do as it was told.
   */
  void signal(int signal, Duration patience) {
    try {
      monitor(patience).signal(signal, patience);
      silent = false;
    } catch (GantryException e) {
      silent = e.kind() == GantryException.Kind.UNAVAILABLE && !end.isDone();
      throw e;
    }
  }

  boolean isSilent() {
    return silent;
  }

  /** Kills for want of memory, so far. */
  record OomKills(long count, Instant time) {}

  /**
   * @param listener also hears of those there were before it came; must not block
   */
  void onOomKills(Consumer<OomKills> listener) {
    onOomKills = listener;
    var there = oomKills.get();
    if (there != null) {
      listener.accept(there);
    }
  }

  @Override
  public void outOfMemory(long kills, Instant time) {
    var now = new OomKills(kills, time);
    oomKills.set(now);
    onOomKills.accept(now);
  }

  /** Of how many kills for want of memory everybody has heard. */
  long oomTold() {
    return oomTold;
  }

  void oomTold(long kills) {
    oomTold = kills;
  }

  /** Whether somebody has to tell of kills who is not about to: false for all but the first. */
  boolean oomBecomesDue() {
    return oomDue.compareAndSet(false, true);
  }

  /** Until kills may be told of again. */
  Duration oomDelay() {
    return OOM_PERIOD.minusNanos(System.nanoTime() - oomToldAt);
  }

  /** For who tells of them: those up to now. */
  @Nullable OomKills oomKills() {
    oomToldAt = System.nanoTime();
    oomDue.set(false);
    return oomKills.get();
  }

  /** For one that was found running. */
  void ranBefore(Duration time) {
    before = time;
  }

  /** For one that was found ended: only its time stamps tell how long it ran. */
  void endedBefore() {
    before = null;
  }

  /** How long it has run, whatever the clock did meanwhile. */
  Duration ran(RunRecord run, ExitRecord exit) {
    Duration earlier = before;
    return earlier == null
        ? run.duration(exit.time())
        : earlier.plusNanos(System.nanoTime() - since);
  }

  /** How long it has run so far; zero for one that was found ended. */
  Duration age() {
    Duration earlier = before;
    return (earlier == null ? Duration.ZERO : earlier).plusNanos(System.nanoTime() - since);
  }

  /** Whatever the restart policy says, another run follows this one. */
  void startAgain() {
    again = true;
  }

  boolean startsAgain() {
    return again;
  }

  /** Null: nobody checks its health. */
  @Nullable HealthWatch watch() {
    return watch;
  }

  /** It also hears of what there was since the monitor's greeting. */
  void watch(HealthWatch by) {
    watching.lock();
    try {
      watch = by;
      unheard.forEach(Runnable::run);
      unheard.clear();
    } finally {
      watching.unlock();
    }
  }

  private void toWatch(Consumer<HealthWatch> news) {
    watching.lock();
    try {
      var by = watch;
      if (by != null) {
        news.accept(by);
      } else if (unheard.size() < UNHEARD) { // a monitor that checks though nobody asked it
        unheard.add(() -> toWatch(news));
      }
    } finally {
      watching.unlock();
    }
  }

  /** What it was started with; null for one that was found running. */
  @Nullable TaskSpec task() {
    return task;
  }

  void task(TaskSpec startedWith) {
    task = startedWith;
  }

  /** Asks the monitor of a container that has ended to go; {@link #quit} sees to it. */
  void askToQuit() {
    var of = monitor;
    if (of != null) {
      of.askToQuit();
    }
  }

  /** Ends the monitor of a container that has ended; does nothing without one. */
  void quit() {
    var of = monitor;
    if (of != null) {
      try {
        of.quit();
      } finally {
        of.close();
      }
    }
  }

  /**
   * Ends what is not committed, as {@link #letGo}; back when its monitor is gone, which has had
   * ports, or has taken longer.
   *
   * @param patience zero for who has nothing to wait for
   */
  void destroy(Duration patience) {
    var of = monitor;
    if (of != null) {
      of.destroy(patience);
    }
  }

  /** Lets go of the connection; a committed container goes on. */
  void letGo() {
    var of = monitor;
    if (of != null) {
      of.close();
    }
  }

  @Override
  public void exited(ExitRecord exit) {
    begun.thenRun(() -> end.complete(exit));
  }

  @Override
  public void checking(String execId, long pid, Instant begin) {
    toWatch(by -> by.checking(execId, pid, begin));
  }

  @Override
  public void checked(String execId, Checks checks) {
    toWatch(by -> by.checked(execId, checks));
  }

  @Override
  public void execExited(ExecExit exit) {
    execs.accept(exit);
  }

  @Override
  public void lost(String reason) {
    begun.thenRun(() -> end.complete(monitorLost()));
  }

  ExitRecord monitorLost() {
    return new ExitRecord(KILLED, Signals.KILL, clock.instant(), 0, Duration.ZERO, "monitor lost");
  }
}
