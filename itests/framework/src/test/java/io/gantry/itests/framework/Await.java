package io.gantry.itests.framework;

import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** Waits for a condition, with a deadline. */
final class Await {

  private static final long SECONDS = 60;

  private Await() {}

  static void until(Callable<Boolean> isSo, Callable<String> otherwise) throws Exception {
    long end = System.nanoTime() + SECONDS * 1_000_000_000;
    while (!isSo.call()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + SECONDS + " s: " + otherwise.call());
      }
      LockSupport.parkNanos(1_000_000);
    }
  }
}
