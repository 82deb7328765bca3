package io.gantry.engine.volume;

import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;

/** Tells what happens to volumes. */
final class VolumeTeller {
  private final Events events;
  private final InstantSource clock;

  VolumeTeller(Events events, InstantSource clock) {
    this.events = events;
    this.clock = clock;
  }

  void tell(String volume, String action, String driver, Map<String, String> further) {
    var attributes = new HashMap<>(further);
    attributes.put("driver", driver);
    events.publish(new Event("volume", action, volume, attributes, clock.instant()));
  }

  void pruned(long bytes) {
    events.publish(
        new Event(
            "volume", "prune", "", Map.of("reclaimed", Long.toString(bytes)), clock.instant()));
  }
}
