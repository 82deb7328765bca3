package io.gantry.engine.container;

import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Tells what happens to containers, with the attributes that Docker's clients filter by. */
final class Teller {
  private final Events events;
  private final InstantSource clock;

  Teller(Events events, InstantSource clock) {
    this.events = events;
    this.clock = clock;
  }

  void tell(ContainerRecord container, String action) {
    tell(container, action, Map.of());
  }

  void tell(ContainerRecord container, String action, Map<String, String> further) {
    tellAt(container, action, further, clock.instant());
  }

  void tellExecEnd(ContainerRecord container, String execId, int status, Instant time) {
    events.publish(execEnd(container, execId, status, time));
  }

  Event execEnd(ContainerRecord container, String execId, int status, Instant time) {
    var further = Map.of("execID", execId, "exitCode", Integer.toString(status));
    return event(container, "exec_die", attributes(container, further), time);
  }

  /** That a process was made and started. */
  List<Event> execBegin(ContainerRecord container, String execId, String command, Instant time) {
    var attributes = Map.copyOf(attributes(container, Map.of("execID", execId)));
    return List.of(
        event(container, "exec_create: " + command, attributes, time),
        event(container, "exec_start: " + command, attributes, time));
  }

  /** Tells several things, with nothing in between, which are looked up later. */
  void tell(Supplier<List<Event>> all) {
    events.publish(all);
  }

  void tellAt(ContainerRecord container, String action, Map<String, String> further, Instant time) {
    events.publish(event(container, action, attributes(container, further), time));
  }

  void tellPruned(long bytes) {
    var reclaimed = Map.of("reclaimed", Long.toString(bytes));
    events.publish(new Event("container", "prune", "", reclaimed, clock.instant()));
  }

  /** What became of an image by something that was done with a container. */
  void tellImage(String action, String id, String name, Map<String, String> labels) {
    var attributes = new HashMap<>(labels);
    attributes.put("name", name);
    events.publish(new Event("image", action, id, attributes, clock.instant()));
  }

  private static Event event(
      ContainerRecord container, String action, Map<String, String> attributes, Instant time) {
    return new Event("container", action, container.id(), attributes, time);
  }

  private static Map<String, String> attributes(
      ContainerRecord container, Map<String, String> further) {
    var attributes = new HashMap<>(container.spec().labels());
    attributes.put("image", container.spec().image());
    attributes.put("name", container.name());
    attributes.putAll(further);
    return attributes;
  }
}
