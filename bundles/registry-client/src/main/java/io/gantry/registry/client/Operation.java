package io.gantry.registry.client;

import io.gantry.api.Transfers.Telling;
import io.gantry.api.Transfers.Transfer;
import io.gantry.registry.client.pull.Meter;
import io.gantry.registry.client.wire.Session;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A transfer under way: its work has a thread of its own, and what many threads tell goes out on
 * the caller's.
 */
final class Operation implements Telling, Meter {

  /** A client that takes nothing gets no more progress than this, and all else. */
  private static final int MOST_PENDING = 1000;

  private static final long WINDOW_NANOS = 5_000_000_000L;
  private static final long SAMPLE_NANOS = 200_000_000L;
  private static final Consumer<Telling> END = telling -> {};

  private final String id;
  private final String kind;
  private final String ref;
  private final Instant since;
  private final BlockingQueue<Consumer<Telling>> news = new LinkedBlockingQueue<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Sample> samples = new ArrayDeque<>(); // guarded by lock
  private long total; // guarded by lock
  private long current; // guarded by lock; less again when something begins anew
  private long passed; // guarded by lock
  private boolean isCancelled; // guarded by lock
  private @Nullable Thread worker; // guarded by lock
  private volatile @Nullable Throwable failure;

  /**
   * @param passed bytes until then, those among them that had to go out again
   */
  private record Sample(long nanos, long passed) {}

  Operation(String id, String kind, String ref, Instant since) {
    this.id = id;
    this.kind = kind;
    this.ref = ref;
    this.since = since;
  }

  String id() {
    return id;
  }

  /**
   * Does the work, and returns when it has ended.
   *
   * @throws GantryException as the work; CANCELLED on an interrupt or by {@link #cancel}
   */
  void run(Executor threads, Runnable work, Telling client) {
    threads.execute(() -> work(work));
    try {
      for (Consumer<Telling> next; (next = news.take()) != END; ) {
        next.accept(client);
      }
    } catch (InterruptedException e) {
      cancel();
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    } catch (RuntimeException e) { // the client is gone
      cancel();
      throw e;
    } finally {
      awaitEnd();
    }
    Throwable failed = failure;
    if (failed instanceof GantryException e) {
      throw new GantryException(e.kind(), e.getMessage(), e);
    }
    if (failed != null) {
      throw new IllegalStateException(kind + " of " + ref, failed);
    }
  }

  private void work(Runnable work) {
    try {
      lock.lock();
      try {
        worker = Thread.currentThread();
        if (isCancelled) {
          Thread.currentThread().interrupt();
        }
      } finally {
        lock.unlock();
      }
      work.run();
    } catch (Throwable e) { // whatever it is, the caller waits for it
      failure = e;
    } finally {
      lock.lock();
      try {
        worker = null;
      } finally {
        lock.unlock();
      }
      ended.countDown();
      news.add(END);
    }
  }

  private void awaitEnd() {
    boolean interrupted = false;
    while (true) {
      try {
        ended.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true; // its layers and blobs are ours until it has let go of them
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Has the work end soon. May be repeated. */
  void cancel() {
    lock.lock();
    try {
      isCancelled = true;
      if (worker != null) {
        worker.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void says(String layer, String status) {
    news.add(telling -> telling.says(layer, status));
  }

  /** An overloaded registry is waited for. */
  void pauses(Duration pause) {
    says("", Session.retrying(pause));
  }

  @Override
  public void at(String layer, String status, long done, long all) {
    if (news.size() < MOST_PENDING) {
      news.add(telling -> telling.at(layer, status, done, all));
    }
  }

  @Override
  public void pushed(String tag, String digest, long size) {
    news.add(telling -> telling.pushed(tag, digest, size));
  }

  @Override
  public void wants(long bytes) {
    lock.lock();
    try {
      total += bytes;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void moved(long bytes) {
    long now = System.nanoTime();
    lock.lock();
    try {
      current += bytes;
      passed += Math.max(bytes, 0);
      Sample last = samples.peekLast();
      if (last == null || now - last.nanos() >= SAMPLE_NANOS) {
        samples.add(new Sample(now, passed));
      }
      while (now - Objects.requireNonNull(samples.peek()).nanos() > WINDOW_NANOS) {
        samples.remove();
      }
    } finally {
      lock.unlock();
    }
  }

  Transfer view() {
    long now = System.nanoTime();
    lock.lock();
    try {
      long rate = 0;
      for (Sample first : samples) {
        long nanos = now - first.nanos();
        if (nanos > 0 && nanos <= WINDOW_NANOS) {
          rate = (long) ((passed - first.passed()) / (nanos / 1e9));
          break;
        }
      }
      return new Transfer(id, kind, ref, since, current, total, rate);
    } finally {
      lock.unlock();
    }
  }
}
