package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;

import io.gantry.spi.GantryException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A start under way, which a stop may cancel: a driver that is waited for is interrupted, all else
 * ends at the next {@link #check}.
 */
final class Launching {
  private final ReentrantLock lock = new ReentrantLock();
  private boolean cancelled; // guarded by lock
  private @Nullable Thread inDriver; // guarded by lock
  private boolean heard; // of the thread that starts, as what follows
  private boolean failed;

  /** Runs a call to a driver, interrupted when the start is cancelled. */
  <R extends @Nullable Object> R call(Supplier<R> driverCall) {
    enter();
    try {
      return driverCall.get();
    } finally {
      leave();
      check();
    }
  }

  private void enter() {
    lock.lock();
    try {
      check();
      inDriver = Thread.currentThread();
    } finally {
      lock.unlock();
    }
  }

  /** An interrupt that came for the driver is not left to what follows. */
  private void leave() {
    lock.lock();
    try {
      inDriver = null;
      if (cancelled) {
        Thread.interrupted();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Clients hear what is being started: they would not hear another one in its place. */
  void isHeard() {
    heard = true;
  }

  /** Whether it can be begun anew, should a helper of ours be lost. */
  boolean isRepeatable() {
    return !heard;
  }

  /** It has come to nothing, which was written down and told. */
  void hasFailed() {
    failed = true;
  }

  boolean isFailed() {
    return failed;
  }

  void cancel() {
    lock.lock();
    try {
      cancelled = true;
      if (inDriver != null) {
        inDriver.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * @throws GantryException CONFLICT when it was cancelled
   */
  void check() {
    lock.lock();
    try {
      if (cancelled) {
        throw new GantryException(CONFLICT, "it was stopped while it was being started");
      }
    } finally {
      lock.unlock();
    }
  }
}
