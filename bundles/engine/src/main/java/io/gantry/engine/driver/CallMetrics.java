package io.gantry.engine.driver;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** Counts the calls to one driver and remembers how long the last 1,000 took. */
final class CallMetrics {

  private static final int WINDOW = 1_000;

  private final LongAdder calls = new LongAdder();
  private final LongAdder errors = new LongAdder();
  private final AtomicLongArray nanos = new AtomicLongArray(WINDOW);
  private final AtomicInteger next = new AtomicInteger();

  void record(long took, boolean failed) {
    calls.increment();
    if (failed) {
      errors.increment();
    }
    nanos.set(next.getAndUpdate(at -> (at + 1) % WINDOW), took);
  }

  long calls() {
    return calls.sum();
  }

  long errors() {
    return errors.sum();
  }

  Latency latency() {
    int filled = (int) Math.min(calls.sum(), WINDOW);
    long[] sorted = new long[filled];
    Arrays.setAll(sorted, nanos::get);
    Arrays.sort(sorted);
    return new Latency(percentile(sorted, 50), percentile(sorted, 99));
  }

  private static Duration percentile(long[] sorted, int percent) {
    if (sorted.length == 0) {
      return Duration.ZERO;
    }
    int rank = (sorted.length * percent + 99) / 100;
    return Duration.ofNanos(sorted[rank - 1]);
  }

  record Latency(Duration p50, Duration p99) {}
}
