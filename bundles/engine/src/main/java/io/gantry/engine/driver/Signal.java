package io.gantry.engine.driver;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/** Wakes those who wait for something to become so. */
final class Signal {

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition raised = lock.newCondition();
  private long count; // guarded by lock

  void raise() {
    lock.lock();
    try {
      count++;
      raised.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until it is so; looks again at every signal. What is asked runs without the lock.
   *
   * @return whether it is so
   */
  boolean await(BooleanSupplier isSo, Duration limit) throws InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      long before = count();
      if (isSo.getAsBoolean()) {
        return true;
      }
      if (!awaitNext(before, end)) {
        return isSo.getAsBoolean();
      }
    }
  }

  private boolean awaitNext(long before, long end) throws InterruptedException {
    lock.lock();
    try {
      while (count == before) {
        long left = end - System.nanoTime();
        if (left <= 0) {
          return false;
        }
        raised.awaitNanos(left);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private long count() {
    lock.lock();
    try {
      return count;
    } finally {
      lock.unlock();
    }
  }
}
