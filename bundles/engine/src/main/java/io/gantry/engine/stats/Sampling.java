package io.gantry.engine.stats;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.ContainerStats;
import io.gantry.api.StatsFeed;
import io.gantry.linux.CgroupReader;
import io.gantry.linux.HostCpu;
import io.gantry.linux.StatLines;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Samples every container that somebody looks at once a second, one after the other: the host's own
 * numbers are read once for all. While nobody looks nothing happens.
 *
 * <p>A round holds {@code round} and takes {@code lock} only to see whom it is about; a client
 * holds {@code lock} only to come and go.
 */
public final class Sampling {
  private static final System.Logger log = System.getLogger("io.gantry.engine.stats");
  private static final long PERIOD_MILLIS = 1000;

  /** Of the files the engine may have open, this part at most is kept open here. */
  private static final int SHARE = 4;

  private final Executor workers;
  private final ScheduledExecutorService timer;
  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Watched> watched = new LinkedHashMap<>(); // guarded by lock
  private @Nullable ScheduledFuture<?> rounds; // guarded by lock

  private final ReentrantLock round = new ReentrantLock();
  private final StatLines lines = new StatLines(); // guarded by round
  private final AtomicBoolean underWay = new AtomicBoolean();
  private volatile long hostMemory;
  private volatile long mostFiles;

  public Sampling(Executor workers, ScheduledExecutorService timer, InstantSource clock) {
    this.workers = workers;
    this.timer = timer;
    this.clock = clock;
  }

  /** One sample, at once. */
  public ContainerStats once(Subject subject) {
    learnHost();
    var own = new StatLines();
    try (var sampler = new Sampler(subject, clock, hostMemory, false)) {
      var usage = sampler.sample(own, HostCpu.read(own));
      return new ContainerStats(subject.id(), subject.name(), usage, null);
    }
  }

  /** Samples from now on. */
  public StatsFeed follow(Subject subject) {
    learnHost();
    var feed = new Feed(closed -> remove(subject.id(), closed));
    lock.lock();
    try {
      boolean kept = (watched.size() + 1L) * CgroupReader.FILES <= mostFiles;
      watched
          .computeIfAbsent(
              subject.id(),
              id -> new Watched(subject, new Sampler(subject, clock, hostMemory, kept)))
          .add(feed);
      if (rounds == null) {
        rounds = timer.scheduleAtFixedRate(this::tick, 0, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
      }
    } catch (RejectedExecutionException e) { // the engine stops
      feed.end().run(); // nobody waits yet
    } finally {
      lock.unlock();
    }
    return feed;
  }

  private void learnHost() {
    if (hostMemory == 0) {
      hostMemory = HostLimits.memory();
      mostFiles = HostLimits.openFiles() / SHARE;
    }
  }

  private void remove(String id, Feed feed) {
    Watched gone = null;
    lock.lock();
    try {
      var of = watched.get(id);
      if (of != null && of.remove(feed)) {
        gone = watched.remove(id);
      }
      stopIfIdle();
    } finally {
      lock.unlock();
    }
    var nobodys = gone;
    if (nobodys != null) {
      try {
        workers.execute(() -> end(nobodys));
      } catch (RejectedExecutionException e) { // the engine stops, and no round comes any more
        end(nobodys);
      }
    }
  }

  /** The lock is held. */
  private void stopIfIdle() {
    var due = rounds;
    if (watched.isEmpty() && due != null) {
      due.cancel(false);
      rounds = null;
    }
  }

  /** Its files are not closed under a round that reads them. */
  private void end(Watched gone) {
    var told = new ArrayList<Runnable>();
    round.lock();
    try {
      gone.end(told);
    } finally {
      round.unlock();
    }
    told.forEach(Runnable::run);
  }

  /** On the timer; a round that takes longer than a second makes the next one fall out. */
  private void tick() {
    if (underWay.compareAndSet(false, true)) {
      try {
        workers.execute(this::sampleAll);
      } catch (RejectedExecutionException e) { // the engine stops
        underWay.set(false);
      }
    }
  }

  private void sampleAll() {
    var told = new ArrayList<Runnable>();
    round.lock();
    try {
      var host = HostCpu.read(lines);
      for (var each : all()) {
        try {
          if (!each.getValue().sample(lines, host, told)) {
            forget(each.getKey(), each.getValue(), told);
          }
        } catch (RuntimeException e) { // the others' samples are due all the same
          log.log(WARNING, "no statistics of container " + each.getKey(), e);
        }
      }
    } finally {
      underWay.set(false);
      round.unlock();
    }
    tellLater(told);
  }

  /** Not by who samples: a client that is slow to take what it is told must not stop the clock. */
  private void tellLater(List<Runnable> told) {
    try {
      workers.execute(() -> told.forEach(Sampling::tell));
    } catch (RejectedExecutionException e) { // the engine stops
      told.forEach(Sampling::tell);
    }
  }

  private static void tell(Runnable client) {
    try {
      client.run();
    } catch (RuntimeException e) { // the others are to hear all the same
      log.log(WARNING, "statistics cannot be told", e);
    }
  }

  private List<Map.Entry<String, Watched>> all() {
    lock.lock();
    try {
      return new ArrayList<>(watched.entrySet());
    } finally {
      lock.unlock();
    }
  }

  private void forget(String id, Watched gone, List<Runnable> told) {
    lock.lock();
    try {
      watched.remove(id, gone);
      stopIfIdle();
    } finally {
      lock.unlock();
    }
    gone.end(told);
  }
}
