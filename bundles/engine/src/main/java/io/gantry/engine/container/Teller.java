package io.gantry.engine.container;

import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;

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

  void tellAt(ContainerRecord container, String action, Map<String, String> further, Instant time) {
    var attributes = new HashMap<>(container.spec().labels());
    attributes.put("image", container.spec().image());
    attributes.put("name", container.name());
    attributes.putAll(further);
    events.publish(new Event("container", action, container.id(), attributes, time));
  }
}
