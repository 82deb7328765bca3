package io.gantry.rest.docker;

import io.gantry.api.Events.Event;
import io.gantry.rest.http.ApiVersion;
import java.util.List;
import java.util.function.Predicate;

/** The filters of {@code GET /events}; keys nobody knows do not matter. */
public final class EventFilter {

  private static final List<String> ACTORS =
      List.of("container", "image", "network", "volume", "daemon");

  private EventFilter() {}

  public static Predicate<Event> parse(String text, ApiVersion version) {
    Filters filters = Filters.parse(text);
    return event -> isShown(event, version) && matches(filters, event);
  }

  /** Events of Gantry's own kinds stay away from clients that may not know them. */
  private static boolean isShown(Event event, ApiVersion version) {
    return ACTORS.contains(event.type())
        && (version.atLeast(46)
            || !(event.type().equals("image") && event.action().equals("create")));
  }

  private static boolean matches(Filters filters, Event event) {
    return action(filters, event.action())
        && filters.allows("type", event.type())
        && filters.allows("scope", "local")
        && ACTORS.stream().allMatch(type -> actor(filters, type, event))
        && filters.labels(event.attributes());
  }

  /** {@code event=exec_create} finds {@code exec_create: ls} too. */
  private static boolean action(Filters filters, String action) {
    int colon = action.indexOf(':');
    return filters.allows("event", action)
        || (colon > 0 && filters.allows("event", action.substring(0, colon)));
  }

  private static boolean actor(Filters filters, String type, Event event) {
    if (!filters.has(type)) {
      return true;
    }
    String name = event.attributes().getOrDefault("name", "");
    if (type.equals("image")) { // a container's events carry its image
      String image =
          event.type().equals("image") ? name : event.attributes().getOrDefault("image", "");
      return filters.get(type).stream()
          .anyMatch(
              asked ->
                  asked.equals(image)
                      || asked.equals(untagged(image))
                      || (event.type().equals("image") && event.actor().equals(asked)));
    }
    return event.type().equals(type)
        && filters.get(type).stream()
            .anyMatch(asked -> asked.equals(name) || event.actor().startsWith(asked));
  }

  private static String untagged(String image) {
    int colon = image.lastIndexOf(':');
    return colon > image.lastIndexOf('/') ? image.substring(0, colon) : image;
  }
}
