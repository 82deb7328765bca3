package io.gantry.rest.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.api.Events.Event;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EventJsonTest {

  @Test
  void whatIsOfNoContainerInParticularHasNoId() {
    var event = new Event("container", "prune", "", Map.of("reclaimed", "5"), Instant.EPOCH);
    assertEquals("[status, Type, Action, Actor, scope, time, timeNano]", keys(event));
    assertEquals(
        "[status, id, Type, Action, Actor, scope, time, timeNano]",
        keys(new Event("container", "die", "c", Map.of(), Instant.EPOCH)));
  }

  private static String keys(Event event) {
    return EventJson.of(event).keySet().toString();
  }
}
