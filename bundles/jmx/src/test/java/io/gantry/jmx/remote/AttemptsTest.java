package io.gantry.jmx.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AttemptsTest {

  private final AtomicLong now = new AtomicLong(-5);
  private final AtomicInteger checks = new AtomicInteger();
  private final Attempts attempts = new Attempts(now::get);

  private Optional<String> attempt(String from, boolean right) {
    return attempts.check(
        from,
        () -> {
          checks.incrementAndGet();
          return right ? Optional.of("in") : Optional.empty();
        });
  }

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  @Test
  void afterSomeWrongOnesAnAddressHasToWaitLongerAndLonger() {
    for (int i = 0; i < 4; i++) {
      assertEquals(Optional.empty(), attempt("there", false));
    }
    assertEquals(4, checks.get());
    for (int seconds : new int[] {1, 2, 4, 8, 16, 32, 32}) {
      pass(Duration.ofSeconds(seconds).minusMillis(1));
      int before = checks.get();
      assertEquals(Optional.empty(), attempt("there", true), "not even looked at");
      assertEquals(before, checks.get());
      assertEquals(Optional.of("in"), attempt("elsewhere", true));
      pass(Duration.ofMillis(1));
      assertEquals(Optional.empty(), attempt("there", false));
      assertEquals(before + 2, checks.get());
    }
    pass(Duration.ofSeconds(32));
    assertEquals(Optional.of("in"), attempt("there", true));
    attempt("there", false);
    assertEquals(Optional.of("in"), attempt("there", true), "all is forgotten");
  }

  @Test
  void timeHealsToo() {
    for (int i = 0; i < 4; i++) {
      attempt("there", false);
    }
    pass(Duration.ofMinutes(10));
    attempt("there", false);
    assertEquals(Optional.of("in"), attempt("there", true));
  }

  @Test
  void fewAreCheckedAtOnce() throws Exception {
    var goOn = new CountDownLatch(1);
    var two = new CountDownLatch(2);
    var at = new AtomicInteger();
    var most = new AtomicInteger();
    var threads = Executors.newFixedThreadPool(6);
    try {
      List<CompletableFuture<Optional<String>>> all = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        String from = "host " + i;
        all.add(
            CompletableFuture.supplyAsync(
                () ->
                    attempts.check(
                        from,
                        () -> {
                          most.accumulateAndGet(at.incrementAndGet(), Math::max);
                          two.countDown();
                          awaitQuietly(goOn);
                          at.decrementAndGet();
                          return Optional.of("in");
                        }),
                threads));
      }
      assertTrue(two.await(20, TimeUnit.SECONDS));
      goOn.countDown();
      for (var one : all) {
        assertEquals(Optional.of("in"), one.get(20, TimeUnit.SECONDS));
      }
      assertEquals(2, most.get());
    } finally {
      threads.shutdownNow();
    }
  }

  /** Each of many that come at once from one address would otherwise be looked at. */
  @Test
  void whoWaitedWhileOthersFromThereWereWrongIsNotLookedAt() throws Exception {
    var goOn = new CountDownLatch(1);
    List<Thread> running = new CopyOnWriteArrayList<>();
    var threads =
        Executors.newFixedThreadPool(
            12,
            task -> {
              var thread = new Thread(task);
              running.add(thread);
              return thread;
            });
    try {
      List<CompletableFuture<Optional<String>>> all = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        all.add(
            CompletableFuture.supplyAsync(
                () ->
                    attempts.check(
                        "there",
                        () -> {
                          checks.incrementAndGet();
                          awaitQuietly(goOn);
                          return Optional.empty();
                        }),
                threads));
      }
      while (running.stream().filter(AttemptsTest::waits).count() < 12) {
        Thread.onSpinWait();
      }
      goOn.countDown();
      for (var one : all) {
        assertEquals(Optional.empty(), one.get(20, TimeUnit.SECONDS));
      }
      assertTrue(checks.get() <= 5, checks + " instead of the 4 that are free and one beside them");
    } finally {
      threads.shutdownNow();
    }
  }

  private static boolean waits(Thread thread) {
    return thread.getState() == Thread.State.TIMED_WAITING;
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
