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
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * The last events and those who listen to new ones.
 *
 * <p>What is published waits in a queue, from which one thread takes it; ring and subscriptions
 * belong to that thread, so everybody sees the same order and nobody misses what comes between the
 * kept events and the new ones. While nobody listens the thread is not woken for each event, and
 * what is said lazily is not put together: a subscription takes what waits first. Who publishes
 * looks for listeners after he has put his event into the queue; who subscribes says so before he
 * takes from it.
 */
@Component(name = "io.gantry.engine.event")
public final class EventRing implements Events {
  private static final System.Logger log = System.getLogger("io.gantry.engine.event");
  static final int KEPT = 1024;

  /** So much is put off while nobody listens. */
  private static final int MOST_WAITING = 256;

  private static final int PATIENCE_SECONDS = 30;

  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            var made = new Thread(task, "gantry-events");
            made.setDaemon(true);
            return made;
          });
  private final Queue<Supplier<List<Event>>> coming = new ConcurrentLinkedQueue<>();
  private final AtomicInteger waiting = new AtomicInteger(); // about as many as are coming
  private final AtomicInteger listening = new AtomicInteger(); // not fewer than listeners
  private final Deque<Supplier<List<Event>>> ring = new ArrayDeque<>(); // only touched by thread
  private final List<Listener> listeners = new ArrayList<>(); // only touched by thread

  private record Listener(Predicate<Event> filter, Consumer<Event> sink) {}

  @Activate
  public EventRing() {}

  @Override
  public void publish(Event event) {
    var one = List.of(event);
    publish(() -> one);
  }

  @Override
  public void publish(Supplier<List<Event>> events) {
    coming.add(events);
    if (waiting.incrementAndGet() < MOST_WAITING && listening.get() == 0) {
      return;
    }
    try {
      thread.execute(this::take);
    } catch (RejectedExecutionException e) {
      // the engine stops: whoever listened has been cut off already
      log.log(System.Logger.Level.DEBUG, "dropped what came while the engine stops");
    }
  }

  /** {@inheritDoc} Returns when the kept events have been handed over. */
  @Override
  public Subscription subscribe(
      @Nullable Instant since, Predicate<Event> filter, Consumer<Event> sink) {
    var listener = new Listener(filter, sink);
    var replayed = new CompletableFuture<Void>();
    try {
      listening.incrementAndGet();
      thread.execute(
          () -> {
            take();
            listeners.add(listener);
            if (since != null) {
              replay(listener, since);
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

  private void take() {
    for (var next = coming.poll(); next != null; next = coming.poll()) {
      waiting.decrementAndGet();
      if (ring.size() == KEPT) {
        ring.removeFirst();
      }
      ring.addLast(next);
      if (!listeners.isEmpty()) {
        events(next).forEach(this::tell);
      }
    }
  }

  /** None when they cannot be put together: what others have said goes on. */
  private static List<Event> events(Supplier<List<Event>> said) {
    try {
      return said.get();
    } catch (RuntimeException | LinkageError e) {
      log.log(WARNING, "an event is lost", e);
      return List.of();
    }
  }

  /** Of those that are kept the last ones: one that was said together with others counts alone. */
  private void replay(Listener listener, Instant since) {
    var kept = ring.stream().flatMap(said -> events(said).stream()).toList();
    kept.subList(Math.max(0, kept.size() - KEPT), kept.size()).stream()
        .filter(event -> !event.time().isBefore(since))
        .forEach(event -> tell(listener, event));
  }

  private void tell(Event event) {
    for (var listener : List.copyOf(listeners)) {
      tell(listener, event);
    }
  }

  private void tell(Listener listener, Event event) {
    try {
      if (listener.filter.test(event)) {
        listener.sink.accept(event);
      }
    } catch (RuntimeException
        | LinkageError e) { // one listener's defect must not silence the others
      log.log(WARNING, "a listener failed on " + event.action() + " and gets no more events", e);
      remove(listener);
    }
  }

  private void remove(Listener listener) {
    if (listeners.remove(listener)) {
      listening.decrementAndGet();
    }
  }

  private void forget(Listener listener) {
    try {
      thread.execute(() -> remove(listener));
    } catch (RejectedExecutionException e) {
      // the engine stops, and all listeners with it
    }
  }
}
