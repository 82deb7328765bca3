package io.gantry.rest;

import io.gantry.api.Engine;
import io.gantry.api.Events;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** An engine that recovers when it is told to, and its events. */
final class FakeEngine implements Engine, Events {

  CompletableFuture<Void> recovered = CompletableFuture.completedFuture(null);
  Map<String, String> facts =
      Map.of(
          "cgroup.version", "1",
          "cgroup.driver", "cgroupfs",
          "cgroup.controllers", "blkio cpu cpuset devices memory pids",
          "seccomp", "builtin");
  final List<Event> kept = new CopyOnWriteArrayList<>();
  final List<Consumer<Event>> sinks = new CopyOnWriteArrayList<>();

  @Override
  public EngineView view() {
    return new EngineView(
        "0123abcd",
        "0.1.0",
        "abcdef",
        "2026-11-01T00:00:00Z",
        "/var/lib/gantry",
        "/run/gantry-1",
        FakeContainers.START,
        "info",
        1,
        1,
        0,
        0,
        1,
        List.of(),
        facts);
  }

  @Override
  public CompletionStage<Void> recovered() {
    return recovered;
  }

  @Override
  public void setLogLevel(String level) {
    throw new UnsupportedOperationException(level);
  }

  @Override
  public Subscription subscribe(
      @Nullable Instant since, Predicate<Event> filter, Consumer<Event> sink) {
    Consumer<Event> filtered =
        event -> {
          if (filter.test(event)) {
            sink.accept(event);
          }
        };
    if (since != null) {
      kept.stream().filter(event -> !event.time().isBefore(since)).forEach(filtered);
    }
    sinks.add(filtered);
    return () -> sinks.remove(filtered);
  }

  @Override
  public void publish(Event event) {
    kept.add(event);
    sinks.forEach(sink -> sink.accept(event));
  }
}
