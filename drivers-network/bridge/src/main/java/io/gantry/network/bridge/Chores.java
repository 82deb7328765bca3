package io.gantry.network.bridge;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.linux.netlink.NftGuard;
import io.gantry.spi.GantryException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What is done in the background: links that should have gone with their namespaces are looked for
 * a little later, and rules that others have changed are set again. Takes a thread as soon as there
 * is something to do, and another one to hear of changes.
 */
final class Chores implements AutoCloseable {
  private static final System.Logger log = System.getLogger(Chores.class.getName());

  /** A namespace whose last process has ended is taken apart within tens of milliseconds. */
  private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(2);

  /**
   * @param due when its link is late, by {@link System#nanoTime}
   */
  private record Leaving(String endpoint, long due) {}

  private final Links links;
  private final NftGuard guard;
  private final boolean repair;
  private final ScheduledExecutorService worker =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            var thread = new Thread(task, "gantry-bridge");
            thread.setDaemon(true);
            return thread;
          });

  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Leaving> leaving = new ArrayDeque<>(); // guarded by lock

  /**
   * @param repair set rules again that others have changed
   */
  Chores(Links links, String table, RuleKeeper rules, boolean repair) {
    this.links = links;
    this.guard = new NftGuard(worker, table, rules);
    this.repair = repair;
  }

  /** The namespace of an endpoint ends; its link shall not be there for long. */
  void expectGone(String endpoint) {
    lock.lock();
    try {
      leaving.add(new Leaving(endpoint, System.nanoTime() + GRACE_NANOS));
      if (leaving.size() == 1) {
        wakeAt(leaving.peek());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Guarded by lock. */
  private void wakeAt(@Nullable Leaving first) {
    if (first != null && !worker.isShutdown()) {
      worker.schedule(this::seeGone, first.due() - System.nanoTime(), TimeUnit.NANOSECONDS);
    }
  }

  private void seeGone() {
    for (var late = next(); late != null && !worker.isShutdown(); late = next()) {
      try {
        links.detach(late.endpoint());
      } catch (GantryException e) {
        log.log(WARNING, "an interface stays: endpoint {0}: {1}", late.endpoint(), e.getMessage());
      }
    }
  }

  /** Null when nobody is late, or later ones are waited for. */
  private @Nullable Leaving next() {
    lock.lock();
    try {
      var first = leaving.peek();
      if (first == null) {
        return null;
      }
      if (first.due() - System.nanoTime() > 0) {
        wakeAt(first);
        return null;
      }
      return leaving.poll();
    } finally {
      lock.unlock();
    }
  }

  /** From now on, rules that somebody takes away are set again, if that is wanted. */
  void guardRules() {
    if (repair) {
      guard.begin();
    }
  }

  /** How many times rules were set again. */
  int repairs() {
    return guard.repairs();
  }

  @Override
  public void close() {
    guard.close();
    worker.shutdownNow();
  }
}
