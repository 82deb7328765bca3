package io.gantry.rest.http;

import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.spi.GantryException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets so many requests hold a thread at once; the others wait in line without one. What may hang
 * (a stop, an upload that stalls) takes turns, so that lists are answered whatever else goes on.
 */
final class Turns {

  private final Executor executor;
  private final int atOnce;
  private final int inLine;
  private final ReentrantLock lock = new ReentrantLock();
  private final Queue<Runnable> waiting = new ArrayDeque<>(); // guarded by lock
  private int running; // guarded by lock

  /**
   * @param executor runs whoever had to wait
   * @param inLine so many may wait
   */
  Turns(Executor executor, int atOnce, int inLine) {
    this.executor = executor;
    this.atOnce = atOnce;
    this.inLine = inLine;
  }

  /**
   * Runs the task now, on this thread, or later, on another.
   *
   * @throws GantryException UNAVAILABLE when too many wait already
   */
  void take(Runnable task) {
    lock.lock();
    try {
      if (running == atOnce) {
        if (waiting.size() == inLine) {
          throw new GantryException(
              UNAVAILABLE, "too many requests are under way and in line: try again");
        }
        waiting.add(task);
        return;
      }
      running++;
    } finally {
      lock.unlock();
    }
    run(task);
  }

  private void run(Runnable task) {
    try {
      task.run();
    } finally {
      next();
    }
  }

  private void next() {
    Runnable task;
    lock.lock();
    try {
      task = waiting.poll();
      if (task == null) {
        running--;
      }
    } finally {
      lock.unlock();
    }
    if (task != null) {
      try {
        executor.execute(() -> run(task));
      } catch (RejectedExecutionException e) {
        // The server stops, and hangs up on who waits in line.
      }
    }
  }
}
