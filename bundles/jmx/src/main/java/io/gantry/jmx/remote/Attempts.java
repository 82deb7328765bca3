package io.gantry.jmx.remote;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Rations the checks of passwords, which are dear on purpose: so many at once, and after some wrong
 * ones from an address the next from there is not looked at for a while, which grows.
 */
final class Attempts {

  private static final int AT_ONCE = 2;
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final int FREE = 4;
  private static final int MOST_DOUBLINGS = 5;
  private static final Duration FORGOTTEN = Duration.ofMinutes(10);
  private static final int MOST_ADDRESSES = 1024;

  /**
   * @param last when the last of them was, by {@code nanos}
   */
  private record Wrong(int count, long last) {}

  private final LongSupplier nanos;
  private final Semaphore checks = new Semaphore(AT_ONCE, true);
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Wrong> wrong = // guarded by lock
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Wrong> eldest) {
          return size() > MOST_ADDRESSES;
        }
      };

  /**
   * @param nanos the time, as {@link System#nanoTime} tells it
   */
  Attempts(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** What the check says; empty as well when it is not made. */
  <T> Optional<T> check(String from, Supplier<Optional<T>> password) {
    if (!isLookedAt(from) || !enter()) {
      return Optional.empty();
    }
    try {
      if (!isLookedAt(from)) { // by now: others from there have been wrong meanwhile
        return Optional.empty();
      }
      Optional<T> found = password.get();
      remember(from, found.isPresent());
      return found;
    } finally {
      checks.release();
    }
  }

  private boolean enter() {
    try {
      return checks.tryAcquire(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private boolean isLookedAt(String from) {
    lock.lock();
    try {
      Wrong before = wrong.get(from);
      return before == null || nanos.getAsLong() - before.last >= delay(before.count).toNanos();
    } finally {
      lock.unlock();
    }
  }

  /** 1, 2, 4 … 32 s. */
  private static Duration delay(int count) {
    return count < FREE
        ? Duration.ZERO
        : Duration.ofSeconds(1L << Math.min(count - FREE, MOST_DOUBLINGS));
  }

  private void remember(String from, boolean right) {
    lock.lock();
    try {
      Wrong before = wrong.remove(from);
      if (right) {
        return;
      }
      long now = nanos.getAsLong();
      boolean counts = before != null && now - before.last < FORGOTTEN.toNanos();
      wrong.put(from, new Wrong(counts ? before.count + 1 : 1, now));
    } finally {
      lock.unlock();
    }
  }
}
