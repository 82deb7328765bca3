package io.gantry.itests.harness;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for a condition, with an end. */
public final class Eventually {

  private Eventually() {}

  /** Fails with {@code what} when the condition is not true within half a minute. */
  public static void eventually(String what, BooleanSupplier condition) {
    within(Duration.ofSeconds(30), what, condition);
  }

  /** Fails with {@code what} when the condition is not true within the limit. */
  public static void within(Duration limit, String what, BooleanSupplier condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + limit.toMillis() + " ms: " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }
}
