package io.gantry.engine.stats;

import io.gantry.api.ContainerStats;
import io.gantry.api.ContainerStats.Usage;
import io.gantry.api.StatsFeed;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Samples for one client: of those it did not fetch in time only the last is kept. */
final class Feed implements StatsFeed {
  private static final Runnable NOTHING = () -> {};

  private final Consumer<Feed> onClose;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable ContainerStats waiting; // guarded by lock
  private @Nullable Usage given; // guarded by lock
  private @Nullable CompletableFuture<Optional<ContainerStats>> reader; // guarded by lock
  private boolean ended; // guarded by lock

  Feed(Consumer<Feed> onClose) {
    this.onClose = onClose;
  }

  /**
   * @param sample without one before: which that is each client knows for itself
   * @return what tells the client, who may be slow to hear it
   */
  Runnable offer(ContainerStats sample) {
    CompletableFuture<Optional<ContainerStats>> served;
    ContainerStats made;
    lock.lock();
    try {
      if (ended || isKnown(sample)) {
        return NOTHING;
      }
      served = reader;
      reader = null;
      if (served == null) {
        waiting = sample;
        return NOTHING;
      }
      made = give(sample);
    } finally {
      lock.unlock();
    }
    return () -> served.complete(Optional.of(made));
  }

  /** Who comes during a round may be offered its sample twice. */
  private boolean isKnown(ContainerStats sample) {
    return sample.now() != null && sample.now() == given;
  }

  /** The lock is held. Of a new run, whose counts begin anew, there is none before the first. */
  private ContainerStats give(ContainerStats sample) {
    var now = sample.now();
    var before = given;
    boolean sameRun = now != null && before != null && before.cpu().total() <= now.cpu().total();
    given = now;
    return new ContainerStats(sample.id(), sample.name(), now, sameRun ? before : null);
  }

  @Override
  public CompletionStage<Optional<ContainerStats>> next() {
    lock.lock();
    try {
      var there = waiting;
      if (there != null) {
        waiting = null;
        return CompletableFuture.completedFuture(Optional.of(give(there)));
      }
      if (ended) {
        return CompletableFuture.completedFuture(Optional.empty());
      }
      var future = new CompletableFuture<Optional<ContainerStats>>();
      reader = future;
      return future;
    } finally {
      lock.unlock();
    }
  }

  /** No more samples; returns what tells the client. */
  Runnable end() {
    CompletableFuture<Optional<ContainerStats>> served;
    lock.lock();
    try {
      ended = true;
      served = reader;
      reader = null;
    } finally {
      lock.unlock();
    }
    return served == null ? NOTHING : () -> served.complete(Optional.empty());
  }

  @Override
  public void close() {
    end().run();
    onClose.accept(this);
  }
}
