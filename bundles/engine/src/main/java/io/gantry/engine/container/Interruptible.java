package io.gantry.engine.container;

import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the present thread does until {@link #close}, and another one may end by an interrupt. The
 * thread serves others afterwards: an interrupt that comes late does not reach it, one that came
 * and was not needed is taken back.
 */
final class Interruptible implements AutoCloseable {
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Thread worker = Thread.currentThread(); // guarded by lock; null when it is over
  private boolean interrupted; // guarded by lock

  void interrupt() {
    lock.lock();
    try {
      if (worker != null) {
        interrupted = true;
        worker.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      worker = null;
      if (interrupted) {
        Thread.interrupted();
      }
    } finally {
      lock.unlock();
    }
  }
}
