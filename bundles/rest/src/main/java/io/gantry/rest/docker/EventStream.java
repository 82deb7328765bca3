package io.gantry.rest.docker;

import io.gantry.api.ByteStream;
import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import io.gantry.rest.json.JsonText;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Events as JSON lines, for one client. The engine's event thread only enqueues; a client that does
 * not read is cut off when too much waits for it.
 */
public final class EventStream implements ByteStream {

  private static final int MAX_WAITING = 10_000;
  private static final ByteBuffer END = ByteBuffer.allocate(0);

  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Event> waiting = new ArrayDeque<>(); // guarded by lock
  private @Nullable CompletableFuture<ByteBuffer> reader; // guarded by lock
  private boolean ended; // guarded by lock
  private Events.@Nullable Subscription subscription; // guarded by lock

  /** Completes at the end the client asked for, or when it goes: then no timer keeps this. */
  private final CompletableFuture<Void> over = new CompletableFuture<>();

  private EventStream() {}

  /**
   * @param until null: no end; in the past: only what was kept
   */
  public static EventStream open(
      Events events,
      @Nullable Instant since,
      @Nullable Instant until,
      Instant now,
      Predicate<Event> filter) {
    var stream = new EventStream();
    Predicate<Event> wanted =
        until == null ? filter : event -> !event.time().isAfter(until) && filter.test(event);
    stream.keep(events.subscribe(since, wanted, stream::offer));
    if (until != null) {
      long millis = TimeUnit.MILLISECONDS.convert(Duration.between(now, until)); // however far
      stream.over.thenRunAsync(stream::end);
      stream.over.completeOnTimeout(null, Math.max(0, millis), TimeUnit.MILLISECONDS);
    }
    return stream;
  }

  private void keep(Events.Subscription made) {
    lock.lock();
    try {
      subscription = made;
    } finally {
      lock.unlock();
    }
  }

  private void offer(Event event) {
    CompletableFuture<ByteBuffer> served = null;
    lock.lock();
    try {
      if (ended) {
        return;
      }
      if (reader != null) {
        served = reader;
        reader = null;
      } else if (waiting.size() < MAX_WAITING) {
        waiting.add(event);
      } else {
        ended = true;
      }
    } finally {
      lock.unlock();
    }
    if (served != null) {
      served.complete(line(event));
    }
  }

  /** No more events; what waits is still read. */
  private void end() {
    CompletableFuture<ByteBuffer> served = null;
    lock.lock();
    try {
      ended = true;
      served = reader;
      reader = null;
    } finally {
      lock.unlock();
    }
    if (served != null) {
      served.complete(END);
    }
  }

  @Override
  public boolean terminal() {
    return true;
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    lock.lock();
    try {
      Event next = waiting.poll();
      if (next != null) {
        return CompletableFuture.completedFuture(line(next));
      }
      if (ended) {
        return CompletableFuture.completedFuture(END);
      }
      var future = new CompletableFuture<ByteBuffer>();
      reader = future;
      return future;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    Events.Subscription held;
    lock.lock();
    try {
      held = subscription;
      subscription = null;
      waiting.clear();
    } finally {
      lock.unlock();
    }
    over.complete(null);
    end();
    if (held != null) {
      held.close();
    }
  }

  private static ByteBuffer line(Event event) {
    return ByteBuffer.wrap(JsonText.line(EventJson.of(event)));
  }
}
