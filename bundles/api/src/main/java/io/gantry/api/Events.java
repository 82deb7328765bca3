package io.gantry.api;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** What happened: the last 1,024 events are kept in memory. */
@ProviderType
public interface Events {

  /**
   * Hands over kept events at or after {@code since} (none when null), then every new one, in order
   * and without a gap, until the subscription is closed. The kept ones are handed over before this
   * returns. {@code sink} is called on the engine's event thread and only enqueues.
   */
  Subscription subscribe(@Nullable Instant since, Predicate<Event> filter, Consumer<Event> sink);

  /** Tells something; for edges that make events of their own. */
  void publish(Event event);

  /**
   * Tells several things, with nothing in between, which are put together only when somebody wants
   * to know: at any time, by any thread, and more than once.
   */
  default void publish(Supplier<List<Event>> events) {
    events.get().forEach(this::publish);
  }

  interface Subscription extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * @param type {@code container}, {@code image}, {@code network}, {@code volume}, {@code daemon},
   *     {@code driver}
   * @param action Docker's names: {@code create}, {@code start}, {@code die} …
   * @param actor id of what it happened to
   */
  record Event(
      String type, String action, String actor, Map<String, String> attributes, Instant time) {
    public Event {
      attributes = Map.copyOf(attributes);
    }
  }
}
