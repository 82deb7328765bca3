package io.gantry.rest.route;

import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.head;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.Drivers;
import io.gantry.api.Engine;
import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import io.gantry.rest.docker.EventFilter;
import io.gantry.rest.docker.EventStream;
import io.gantry.rest.docker.GoTime;
import io.gantry.rest.docker.SystemJson;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import io.gantry.spi.GantryException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The engine itself and its events. */
public final class SystemRoutes {

  private final Engine engine;
  private final Drivers drivers;
  private final Events events;
  private final InstantSource clock;

  public SystemRoutes(Engine engine, Drivers drivers, Events events, InstantSource clock) {
    this.engine = engine;
    this.drivers = drivers;
    this.events = events;
    this.clock = clock;
  }

  public List<Route> table() {
    return List.of(
        head("/_ping", this::ping).atOnce().quick(),
        get("/_ping", this::ping).atOnce().quick(),
        get("/version", this::version).atOnce(),
        get("/info", this::info),
        get("/events", this::events).held());
  }

  private Answer ping(Call call) {
    call.header("Builder-Version", "1");
    call.header("Cache-Control", "no-cache, no-store, must-revalidate");
    call.header("Pragma", "no-cache");
    call.header("Swarm", "inactive");
    return Answer.text(200, call.isHead() ? "" : "OK");
  }

  private Answer version(Call call) {
    return Answer.json(SystemJson.version(engine.view()));
  }

  private Answer info(Call call) {
    return Answer.json(SystemJson.info(engine.view(), drivers, call.version(), clock.instant()));
  }

  private Answer events(Call call) {
    Instant now = clock.instant();
    Predicate<Event> filter = EventFilter.parse(call.query().text("filters"), call.version());
    Instant since = moment(call, "since");
    Instant until = moment(call, "until");
    if (since != null && until != null && until.isBefore(since)) {
      throw new GantryException(
          INVALID,
          "`since` time (%s) cannot be after `until` time (%s)"
              .formatted(call.query().text("since"), call.query().text("until")));
    }
    return Answer.stream(Answer.JSON, EventStream.open(events, since, until, now, filter));
  }

  private static @Nullable Instant moment(Call call, String name) {
    String text = call.query().text(name);
    return text.isEmpty() ? null : GoTime.unix(text);
  }
}
