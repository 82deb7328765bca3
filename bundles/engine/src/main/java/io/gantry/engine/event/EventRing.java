package io.gantry.engine.event;

import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Events;
import io.gantry.spi.GantryException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * The last events and those who listen to new ones.
 *
 * <p>Ring and subscriptions belong to one thread: publishing, subscribing and unsubscribing are
 * tasks in its queue, so everybody sees the same order and nobody misses what comes between the
 * kept events and the new ones.
 */
@Component(name = "io.gantry.engine.event")
public final class EventRing implements Events {
  private static final System.Logger log = System.getLogger("io.gantry.engine.event");
  static final int KEPT = 1024;
  private static final int PATIENCE_SECONDS = 30;

  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            var made = new Thread(task, "gantry-events");
            made.setDaemon(true);
            return made;
          });
  private final Deque<Event> ring = new ArrayDeque<>(KEPT); // only touched by thread
  private final List<Listener> listeners = new ArrayList<>(); // only touched by thread

  private record Listener(Predicate<Event> filter, Consumer<Event> sink) {}

  @Activate
  public EventRing() {}

  @Override
  public void publish(Event event) {
    try {
      thread.execute(() -> keepAndTell(event));
    } catch (RejectedExecutionException e) {
      // the engine stops: whoever listened has been cut off already
      log.log(System.Logger.Level.DEBUG, "dropped {0} of {1}", event.action(), event.actor());
    }
  }

  /** {@inheritDoc} Returns when the kept events have been handed over. */
  @Override
  public Subscription subscribe(
      @Nullable Instant since, Predicate<Event> filter, Consumer<Event> sink) {
    var listener = new Listener(filter, sink);
    var replayed = new CompletableFuture<Void>();
    try {
      thread.execute(
          () -> {
            listeners.add(listener);
            if (since != null) {
              ring.stream().filter(e -> !e.time().isBefore(since)).forEach(e -> tell(listener, e));
            }
            replayed.complete(null);
          });
      replayed.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (RejectedExecutionException | ExecutionException e) {
      throw new GantryException(UNAVAILABLE, "the engine is stopping", e);
    } catch (TimeoutException e) {
      forget(listener);
      throw new GantryException(
          UNAVAILABLE, "a listener to events takes too long: try again, or restart it", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      forget(listener);
      throw new GantryException(GantryException.Kind.CANCELLED, "cancelled", e);
    }
    return () -> forget(listener);
  }

  @Deactivate
  public void close() {
    thread.shutdown();
  }

  private void keepAndTell(Event event) {
    if (ring.size() == KEPT) {
      ring.removeFirst();
    }
    ring.addLast(event);
    for (var listener : List.copyOf(listeners)) {
      tell(listener, event);
    }
  }

  private void tell(Listener listener, Event event) {
    try {
      if (listener.filter.test(event)) {
        listener.sink.accept(event);
      }
    } catch (RuntimeException e) { // one listener's defect must not silence the others
      log.log(WARNING, "a listener failed on " + event.action() + " and gets no more events", e);
      listeners.remove(listener);
    }
  }

  private void forget(Listener listener) {
    try {
      thread.execute(() -> listeners.remove(listener));
    } catch (RejectedExecutionException e) {
      // the engine stops, and all listeners with it
    }
  }
}
