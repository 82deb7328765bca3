package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.Events.Event;
import io.gantry.rest.json.JsonText;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An event, with the old fields beside the new ones as in all versions served. */
public final class EventJson {

  private static final Set<String> WITH_STATUS = Set.of("container", "image");

  private EventJson() {}

  public static Map<String, @Nullable Object> of(Event event) {
    var json = object();
    if (WITH_STATUS.contains(event.type())) {
      json.put("status", event.action());
      if (!event.actor().isEmpty()) {
        json.put("id", event.actor());
      }
    }
    if (event.type().equals("container") && event.attributes().containsKey("image")) {
      json.put("from", event.attributes().get("image"));
    }
    json.put("Type", event.type());
    json.put("Action", event.action());
    json.put(
        "Actor", object("ID", event.actor(), "Attributes", JsonText.sorted(event.attributes())));
    json.put("scope", "local");
    json.put("time", event.time().getEpochSecond());
    json.put("timeNano", event.time().getEpochSecond() * 1_000_000_000L + event.time().getNano());
    return json;
  }
}
