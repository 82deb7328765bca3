package io.gantry.engine.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Events.Event;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class EventRingTest {
  private final EventRing ring = new EventRing();

  @AfterEach
  void close() {
    ring.close();
  }

  @Test
  void keptAndNewEventsComeInOrderWithoutAGap() throws Exception {
    for (int i = 0; i < 100; i++) {
      ring.publish(event(i));
    }
    var seen = new CopyOnWriteArrayList<Integer>();
    var all = new CountDownLatch(200);
    var publisher =
        new Thread(() -> IntStream.range(100, 200).forEach(i -> ring.publish(event(i))));
    publisher.start();
    try (var subscription =
        ring.subscribe(
            Instant.EPOCH,
            e -> true,
            e -> {
              seen.add(number(e));
              all.countDown();
            })) {
      assertTrue(all.await(60, TimeUnit.SECONDS));
    }
    publisher.join();
    assertEquals(IntStream.range(0, 200).boxed().toList(), List.copyOf(seen));
  }

  @Test
  void onlyTheLastEventsAreKept() {
    for (int i = 0; i < EventRing.KEPT + 10; i++) {
      ring.publish(event(i));
    }
    var seen = new CopyOnWriteArrayList<Integer>();
    ring.subscribe(Instant.EPOCH, e -> true, e -> seen.add(number(e))).close();
    assertEquals(EventRing.KEPT, seen.size());
    assertEquals(10, seen.get(0));
  }

  @Test
  void sinceIsInclusiveAndFiltersHold() {
    for (int i = 0; i < 10; i++) {
      ring.publish(event(i));
    }
    var seen = new CopyOnWriteArrayList<Integer>();
    ring.subscribe(Instant.ofEpochSecond(4), e -> number(e) % 2 == 0, e -> seen.add(number(e)))
        .close();
    assertEquals(List.of(4, 6, 8), List.copyOf(seen));
  }

  @Test
  @Timeout(20)
  void whatCannotBePutTogetherTakesNoOtherEventWithIt() throws Exception {
    ring.publish(event(0));
    ring.publish(EventRingTest::defect);
    ring.publish(event(1));
    var seen = new LinkedBlockingQueue<Integer>();
    ring.subscribe(Instant.EPOCH, e -> true, e -> seen.add(number(e)));
    assertEquals(List.of(0, 1), List.copyOf(seen));
    var hold = new CountDownLatch(1);
    ring.publish(
        () -> {
          await(hold);
          return List.of(event(2));
        });
    ring.publish(EventRingTest::defect);
    ring.publish(event(3)); // waits behind them
    hold.countDown();
    for (int expected : List.of(0, 1, 2, 3)) {
      assertEquals(expected, seen.poll(10, TimeUnit.SECONDS));
    }
  }

  @Test
  @Timeout(20)
  void aFilterThatFailsEndsItsOwnSubscriptionOnly() throws Exception {
    var seen = new LinkedBlockingQueue<Integer>();
    ring.subscribe(
        null,
        e -> {
          throw new NoClassDefFoundError("defect");
        },
        e -> seen.add(-1));
    ring.subscribe(null, e -> true, e -> seen.add(number(e)));
    ring.publish(event(0));
    ring.publish(event(1));
    assertEquals(0, seen.poll(10, TimeUnit.SECONDS));
    assertEquals(1, seen.poll(10, TimeUnit.SECONDS));
  }

  private static List<Event> defect() {
    throw new IllegalStateException("defect");
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aListenerThatFailsDoesNotSilenceOthers() {
    var seen = new CopyOnWriteArrayList<Integer>();
    ring.subscribe(
        null,
        e -> true,
        e -> {
          throw new IllegalStateException("defect");
        });
    ring.subscribe(null, e -> true, e -> seen.add(number(e)));
    ring.publish(event(1));
    ring.publish(event(2));
    ring.subscribe(null, e -> true, e -> {}).close(); // its turn comes after both
    assertEquals(List.of(1, 2), List.copyOf(seen));
  }

  @Test
  void whatIsSaidLazilyIsPutTogetherForListenersOnlyAndInOrder() {
    var asked = new AtomicInteger();
    for (int i = 0; i < 3 * EventRing.KEPT; i++) {
      int first = 2 * i;
      ring.publish(
          () -> {
            asked.incrementAndGet();
            return List.of(event(first), event(first + 1));
          });
    }
    assertEquals(0, asked.get());
    var seen = new CopyOnWriteArrayList<Integer>();
    try (var subscription = ring.subscribe(Instant.EPOCH, e -> true, e -> seen.add(number(e)))) {
      ring.publish(() -> List.of(event(-2), event(-1)));
      ring.subscribe(null, e -> true, e -> {}).close(); // its turn comes after
    }
    assertEquals(EventRing.KEPT, asked.get());
    int end = 6 * EventRing.KEPT;
    var expected = new ArrayList<>(IntStream.range(end - EventRing.KEPT, end).boxed().toList());
    expected.addAll(List.of(-2, -1));
    assertEquals(expected, List.copyOf(seen));
  }

  private static Event event(int number) {
    return new Event(
        "container", "create", Integer.toString(number), Map.of(), Instant.ofEpochSecond(number));
  }

  private static int number(Event event) {
    return Integer.parseInt(event.actor());
  }
}
