package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.linux.Rootfs;
import io.gantry.spi.GantryException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Keeps a container's snapshot from being mounted writable twice, which would corrupt it.
 *
 * <p>Either it is taken, by a start until the container runs or by a removal; or any number of uses
 * share one {@link Rootfs}, be it a mount of our own or the root of a run, which lives on behind
 * the descriptor when the run has ended. The <i>key</i> says which: a run, or none. Uses of another
 * key wait until the last one of the former has gone and its mount with it. Whoever takes it goes
 * first: from then on new uses wait. Uses that only read the snapshot's directory share it with
 * starts and keep removals away.
 *
 * <p>All waiting ends, also for a root that is being made: who made it hang (a volume on a server
 * that does not answer) leaves the files in use until it is known what became of it. No call into a
 * driver and no system call is made under the lock.
 */
final class FileGate {
  private static final Duration AFTER_REVOKING = Duration.ofSeconds(10);

  private final String id;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<Use> mounted = new HashSet<>(); // guarded by lock
  private final Set<Use> reading = new HashSet<>(); // guarded by lock
  private Object key = this; // guarded by lock; of the shared root; this gate: none can be shared
  private CompletableFuture<Rootfs> shared = new CompletableFuture<>(); // guarded by lock
  private boolean taken; // guarded by lock
  private int removals; // guarded by lock; that have taken it or want to
  private int waiting; // guarded by lock; to take it
  private Runnable letGo = () -> {}; // guarded by lock; by the last use that ends

  FileGate(String id) {
    this.id = id;
  }

  /** One use of the files; ends with {@link #close}, which may be repeated. */
  final class Use implements AutoCloseable {
    private final boolean mounts;
    private Runnable end = () -> {}; // guarded by lock
    private boolean revoked; // guarded by lock
    private boolean left; // guarded by lock

    private Use(boolean mounts) {
      this.mounts = mounts;
    }

    /**
     * What ends it when the container does not wait any longer; run at once when that is so by now.
     */
    void onRevoked(Runnable step) {
      boolean late;
      lock.lock();
      try {
        end = step;
        late = revoked;
      } finally {
        lock.unlock();
      }
      if (late) {
        step.run();
      }
    }

    @Override
    public void close() {
      leave(this);
    }
  }

  /** A use and the files it is of. */
  record Open(Rootfs rootfs, Use use) implements AutoCloseable {
    @Override
    public void close() {
      use.close();
    }
  }

  /**
   * Shares the container's root.
   *
   * @param wanted the present key; asked again after a wait
   * @param open makes the root when nobody has it; called once for all who share it
   * @param maker runs that: it may hang
   * @param patience to be let in, and again for the root
   */
  Open enter(Supplier<Object> wanted, Supplier<Rootfs> open, Executor maker, Duration patience) {
    Use use = new Use(true);
    CompletableFuture<Rootfs> root;
    boolean first;
    lock.lock();
    try {
      long left = patience.toNanos();
      Object now = wanted.get();
      while (taken || waiting > 0 || !(mounted.isEmpty() || now.equals(key))) {
        left = await(left);
        now = wanted.get();
      }
      first = mounted.isEmpty();
      if (first) {
        key = now;
        shared = new CompletableFuture<>();
      }
      mounted.add(use);
      root = shared;
    } finally {
      lock.unlock();
    }
    try {
      if (first) {
        make(root, open, maker);
      }
      return new Open(made(root, patience), use);
    } catch (RuntimeException e) {
      root.whenComplete((made, failure) -> leave(use));
      throw e;
    }
  }

  private static void make(CompletableFuture<Rootfs> root, Supplier<Rootfs> open, Executor maker) {
    try {
      maker.execute(
          () -> {
            try {
              root.complete(open.get());
            } catch (Throwable e) { // whatever it is, those who wait must hear of it
              root.completeExceptionally(e);
            }
          });
    } catch (RejectedExecutionException e) {
      root.completeExceptionally(new GantryException(UNAVAILABLE, "the engine stops", e));
    }
  }

  private Rootfs made(CompletableFuture<Rootfs> root, Duration patience) {
    try {
      return root.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException(e.getCause());
    } catch (TimeoutException e) {
      throw new GantryException(
          UNAVAILABLE,
          "the files of container " + id + " cannot be reached: a volume or disk does not answer",
          e);
    } catch (InterruptedException e) {
      throw cancelled(e);
    }
  }

  /** Reads the directory of the snapshot, without a mount. */
  Use read(Duration patience) {
    Use use = new Use(false);
    lock.lock();
    try {
      for (long left = patience.toNanos(); removals > 0; ) {
        left = await(left);
      }
      reading.add(use);
      return use;
    } finally {
      lock.unlock();
    }
  }

  /** What the last use that ends runs, once; a later call replaces it. */
  void onLetGo(Runnable step) {
    lock.lock();
    try {
      letGo = step;
    } finally {
      lock.unlock();
    }
  }

  private void leave(Use use) {
    CompletableFuture<Rootfs> last = null;
    lock.lock();
    try {
      if (use.left) {
        return; // or it would be forgotten while the other call still ends the mount
      }
      use.left = true;
      if (use.mounts && mounted.size() == 1) {
        key = this; // counted until the mount is gone, and nobody may join any more
        last = shared;
      } else {
        mounted.remove(use);
      }
    } finally {
      lock.unlock();
    }
    try {
      if (last != null && last.isDone() && !last.isCompletedExceptionally()) {
        last.join().close();
      }
    } finally {
      forget(use);
    }
  }

  private void forget(Use use) {
    Runnable step = () -> {};
    lock.lock();
    try {
      mounted.remove(use);
      reading.remove(use);
      changed.signalAll();
      if (mounted.isEmpty() && reading.isEmpty()) {
        step = letGo;
        letGo = () -> {};
      }
    } finally {
      lock.unlock();
    }
    step.run();
  }

  /** Taken until it is closed, which may be repeated. */
  interface Hold extends AutoCloseable {
    @Override
    void close();
  }

  /** For a start: nobody has the snapshot mounted. */
  Hold takeForStart(Duration patience, boolean revoking) {
    return take(false, patience, revoking);
  }

  /** For a removal: nobody looks at it. */
  Hold takeForRemoval(Duration patience, boolean revoking) {
    return take(true, patience, revoking);
  }

  /**
   * @param revoking ends the uses that last longer than {@code patience}
   */
  private Hold take(boolean forRemoval, Duration patience, boolean revoking) {
    lock.lock();
    waiting++;
    boolean done = false;
    try {
      removals += forRemoval ? 1 : 0;
      try {
        awaitFree(forRemoval, patience);
      } catch (GantryException e) {
        if (!revoking || e.kind() != CONFLICT) {
          throw e;
        }
        revoke();
        awaitFree(forRemoval, AFTER_REVOKING);
      }
      taken = true;
      done = true;
      var given = new AtomicBoolean();
      return () -> {
        if (given.compareAndSet(false, true)) {
          giveBack(forRemoval);
        }
      };
    } finally {
      waiting--;
      if (!done) {
        removals -= forRemoval ? 1 : 0;
        changed.signalAll();
      }
      lock.unlock();
    }
  }

  private void awaitFree(boolean forRemoval, Duration patience) {
    long left = patience.toNanos();
    while (taken || !mounted.isEmpty() || (forRemoval && !reading.isEmpty())) {
      left = await(left);
    }
  }

  private void revoke() {
    List<Use> uses = new ArrayList<>(mounted);
    uses.addAll(reading);
    List<Runnable> ends = new ArrayList<>();
    for (Use use : uses) {
      use.revoked = true;
      ends.add(use.end);
    }
    lock.unlock();
    try {
      ends.forEach(Runnable::run);
    } finally {
      lock.lock();
    }
  }

  private void giveBack(boolean ofRemoval) {
    lock.lock();
    try {
      taken = false;
      removals -= ofRemoval ? 1 : 0;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private long await(long nanos) {
    if (nanos <= 0) {
      throw new GantryException(
          CONFLICT,
          "the files of container "
              + id
              + " are in use (by cp, export, commit, a start or a removal): try again");
    }
    try {
      return changed.awaitNanos(nanos);
    } catch (InterruptedException e) {
      throw cancelled(e);
    }
  }

  private static GantryException cancelled(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new GantryException(CANCELLED, "cancelled", e);
  }
}
