package io.gantry.engine.driver;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Drivers.State;
import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import java.lang.System.Logger;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Tells what changed about the drivers: compares them with what was told last, when it is nudged
 * and once a second, since a call that hangs changes a driver's state without anybody acting.
 */
final class DriverNews {

  /** What is told about a driver. */
  record Fact(State state, String reason, String bundle, String version, boolean isDefault) {}

  private static final Logger log = System.getLogger(DriverNews.class.getName());

  private final Supplier<Map<DriverName, Fact>> facts;
  private final Supplier<@Nullable Events> events;
  private final ScheduledExecutorService thread;
  private final InstantSource clock;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final Map<DriverName, Fact> told = new HashMap<>(); // only touched on the thread
  private final Map<DriverName, String> served = new HashMap<>(); // version; only on the thread

  DriverNews(
      Supplier<Map<DriverName, Fact>> facts,
      Supplier<@Nullable Events> events,
      ScheduledExecutorService thread,
      InstantSource clock) {
    this.facts = facts;
    this.events = events;
    this.thread = thread;
    this.clock = clock;
  }

  void start() {
    var unused = thread.scheduleWithFixedDelay(this::look, 1, 1, TimeUnit.SECONDS);
  }

  void nudge() {
    if (!thread.isShutdown()) {
      thread.execute(this::look);
    }
  }

  AutoCloseable listen(Runnable listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  private void look() {
    boolean changed = false;
    for (var entry : facts.get().entrySet()) {
      Fact fact = entry.getValue();
      Fact before = told.put(entry.getKey(), fact);
      if (!fact.equals(before)) {
        changed = true;
        publish(entry.getKey(), before, fact);
      }
    }
    if (changed) {
      listeners.forEach(DriverNews::tell);
    }
  }

  private void publish(DriverName driver, @Nullable Fact before, Fact fact) {
    if (before == null
        || fact.state() != before.state()
        || !fact.version().equals(before.version())) {
      publish(driver, action(driver, fact), fact);
    }
    if (before != null && fact.isDefault() && !before.isDefault()) {
      publish(driver, "default", fact);
    }
  }

  /** {@code swap} when another version serves, else the state. */
  private String action(DriverName driver, Fact fact) {
    if (fact.state() != State.ACTIVE) {
      return fact.state().name().toLowerCase(Locale.ROOT);
    }
    String before = served.put(driver, fact.version());
    return before == null || before.equals(fact.version()) ? "active" : "swap";
  }

  private void publish(DriverName driver, String action, Fact fact) {
    Events to = events.get();
    if (to == null) {
      return;
    }
    tell(
        () ->
            to.publish(
                new Event(
                    "driver",
                    action,
                    driver.name(),
                    Map.of(
                        "kind", driver.kind(),
                        "name", driver.name(),
                        "bundle", fact.bundle(),
                        "version", fact.version(),
                        "reason", fact.reason()),
                    clock.instant())));
  }

  private static void tell(Runnable listener) {
    try {
      listener.run();
    } catch (RuntimeException e) { // one listener's trouble is neither ours nor the next one's
      log.log(WARNING, "a listener to driver changes failed", e);
    }
  }
}
