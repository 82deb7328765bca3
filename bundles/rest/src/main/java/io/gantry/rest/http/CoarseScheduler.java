package io.gantry.rest.http;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.util.component.AbstractLifeCycle;
import org.eclipse.jetty.util.thread.ScheduledExecutorScheduler;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Runs what is due in a while up to a second late. Each connection brings such timers and takes
 * them away again: they come and go here without waking the thread that waits for the next one.
 */
final class CoarseScheduler extends AbstractLifeCycle implements Scheduler {

  private static final long NEVER = Long.MAX_VALUE;

  private final ScheduledExecutorScheduler exact;
  private final long step;
  private final long least;
  private final long start = System.nanoTime();
  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<Long, Set<Entry>> due = new TreeMap<>(); // guarded by lock; by step
  private long next = NEVER; // guarded by lock; the first step that will be looked at

  private final class Entry implements Task {
    private final Runnable task;
    private final long at;

    Entry(Runnable task, long at) {
      this.task = task;
      this.at = at;
    }

    @Override
    public boolean cancel() {
      lock.lock();
      try {
        var same = due.get(at);
        if (same == null || !same.remove(this)) {
          return false;
        }
        if (same.isEmpty()) {
          due.remove(at);
        }
        return true;
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * @param name of its thread
   */
  CoarseScheduler(String name) {
    this(name, Duration.ofSeconds(5), Duration.ofSeconds(1));
  }

  /**
   * @param least what is due earlier is on time
   * @param step so late may the rest be
   */
  CoarseScheduler(String name, Duration least, Duration step) {
    this.exact = new ScheduledExecutorScheduler(name, true);
    this.least = least.toNanos();
    this.step = step.toNanos();
  }

  /** How many wait that may be late. */
  int waiting() {
    lock.lock();
    try {
      return due.values().stream().mapToInt(Set::size).sum();
    } finally {
      lock.unlock();
    }
  }

  @Override
  protected void doStart() throws Exception {
    exact.start();
  }

  @Override
  protected void doStop() throws Exception {
    exact.stop();
  }

  @Override
  public Task schedule(Runnable task, long delay, TimeUnit unit) {
    long nanos = unit.toNanos(delay);
    if (nanos < least) {
      return exact.schedule(task, delay, unit);
    }
    var entry = new Entry(task, stepAfter(nanos));
    lock.lock();
    try {
      due.computeIfAbsent(entry.at, at -> new HashSet<>()).add(entry);
      lookAt(entry.at);
    } finally {
      lock.unlock();
    }
    return entry;
  }

  private long stepAfter(long nanos) {
    long now = System.nanoTime() - start;
    return (nanos > NEVER - now - step ? NEVER - step : now + nanos) / step + 1;
  }

  /** The lock is held. */
  private void lookAt(long at) {
    if (at < next) {
      next = at;
      long wait = at * step - (System.nanoTime() - start);
      exact.schedule(() -> look(at), Math.max(0, wait), TimeUnit.NANOSECONDS);
    }
  }

  private void look(long at) {
    List<Entry> ready = new ArrayList<>();
    lock.lock();
    try {
      var over = due.headMap(at, true);
      over.values().forEach(ready::addAll);
      over.clear();
      if (next == at) {
        next = NEVER;
        if (!due.isEmpty()) {
          lookAt(due.firstKey());
        }
      }
    } finally {
      lock.unlock();
    }
    ready.forEach(entry -> exact.schedule(entry.task, 0, TimeUnit.NANOSECONDS));
  }
}
