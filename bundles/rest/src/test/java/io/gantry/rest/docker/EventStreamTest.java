package io.gantry.rest.docker;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Events;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EventStreamTest {
  private final AtomicBoolean subscribed = new AtomicBoolean();

  /** Events that never come. */
  private final Events events =
      new Events() {
        @Override
        public void publish(Event event) {}

        @Override
        public Subscription subscribe(
            @Nullable Instant since, Predicate<Event> filter, Consumer<Event> sink) {
          subscribed.set(true);
          return () -> subscribed.set(false);
        }
      };

  @Test
  void anEndAfterTheEndOfTimeIsNone() {
    var stream = EventStream.open(events, null, Instant.MAX, Instant.EPOCH, event -> true);
    var read = stream.read().toCompletableFuture();
    assertFalse(read.isDone());
    stream.close();
    assertTrue(read.isDone());
    assertFalse(subscribed.get());
  }

  @Test
  void anEndInThePastComesAtOnce() throws Exception {
    var stream =
        EventStream.open(events, null, Instant.EPOCH, Instant.EPOCH.plusSeconds(9), event -> true);
    assertFalse(stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS).hasRemaining());
    stream.close();
    assertFalse(subscribed.get());
  }
}
