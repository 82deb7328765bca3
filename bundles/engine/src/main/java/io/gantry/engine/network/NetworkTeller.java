package io.gantry.engine.network;

import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;

/** Tells what happens to networks. */
final class NetworkTeller {
  private final Events events;
  private final InstantSource clock;

  NetworkTeller(Events events, InstantSource clock) {
    this.events = events;
    this.clock = clock;
  }

  void tell(String id, String name, String driver, String action) {
    tell(id, action, Map.of("name", name, "type", type(name, driver)));
  }

  void tell(Placed place, String container, String action) {
    var attributes = new HashMap<String, String>();
    attributes.put("name", place.name());
    attributes.put("type", type(place.name(), place.driver()));
    attributes.put("container", container);
    tell(place.network(), action, attributes);
  }

  /** Nothing of the disk comes free. */
  void pruned() {
    tell("", "prune", Map.of("reclaimed", "0"));
  }

  private void tell(String id, String action, Map<String, String> attributes) {
    events.publish(new Event("network", action, id, attributes, clock.instant()));
  }

  /** Docker calls the drivers of networks that there is one of each by other names. */
  private static String type(String name, String driver) {
    return !driver.equals(NetworkKeeper.BUILTIN) ? driver : name.equals("host") ? "host" : "null";
  }
}
