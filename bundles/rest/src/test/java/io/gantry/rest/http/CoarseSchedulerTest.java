package io.gantry.rest.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.util.thread.Scheduler.Task;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class CoarseSchedulerTest {

  private final CoarseScheduler scheduler =
      new CoarseScheduler("coarse", Duration.ofMillis(50), Duration.ofMillis(20));

  @BeforeEach
  void start() throws Exception {
    scheduler.start();
  }

  @AfterEach
  void stop() throws Exception {
    scheduler.stop();
  }

  @Test
  void nothingRunsBeforeItsTime() throws Exception {
    for (int millis : new int[] {0, 49, 50, 51, 130, 69}) {
      var ran = new CompletableFuture<Long>();
      long begin = System.nanoTime();
      scheduler.schedule(() -> ran.complete(System.nanoTime()), millis, TimeUnit.MILLISECONDS);
      long waited = TimeUnit.NANOSECONDS.toMillis(ran.get() - begin);
      assertTrue(waited >= millis, millis + ": " + waited);
    }
    assertEquals(0, scheduler.waiting());
  }

  @Test
  void whatIsDueEarlierNeedNotWaitForWhatCameFirst() throws Exception {
    var order = new StringBuffer();
    var all = new CountDownLatch(3);
    for (int millis : new int[] {400, 60, 200}) {
      scheduler.schedule(
          () -> {
            order.append(millis).append(' ');
            all.countDown();
          },
          millis,
          TimeUnit.MILLISECONDS);
    }
    all.await();
    assertEquals("60 200 400 ", order.toString());
  }

  @Test
  void whatIsCancelledNeitherRunsNorStays() throws Exception {
    var ran = new AtomicInteger();
    Task cancelled = scheduler.schedule(ran::incrementAndGet, 60, TimeUnit.MILLISECONDS);
    Task far = scheduler.schedule(ran::incrementAndGet, Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    assertEquals(2, scheduler.waiting());
    assertTrue(cancelled.cancel());
    assertFalse(cancelled.cancel());
    assertTrue(far.cancel());
    assertEquals(0, scheduler.waiting());
    var later = new CountDownLatch(1);
    Task over = scheduler.schedule(later::countDown, 80, TimeUnit.MILLISECONDS);
    later.await();
    assertFalse(over.cancel());
    assertEquals(0, ran.get());
  }

  @Test
  void aTaskThatFailsKeepsNoOtherFromRunning() throws Exception {
    var ran = new CountDownLatch(2);
    for (int i = 0; i < 2; i++) {
      scheduler.schedule(
          () -> {
            throw new IllegalStateException("on purpose");
          },
          60,
          TimeUnit.MILLISECONDS);
      scheduler.schedule(ran::countDown, 60, TimeUnit.MILLISECONDS);
    }
    ran.await();
  }
}
