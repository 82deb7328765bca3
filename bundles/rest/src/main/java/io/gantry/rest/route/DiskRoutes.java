package io.gantry.rest.route;

import static io.gantry.rest.http.Route.get;

import io.gantry.rest.docker.DiskUsage;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import java.time.InstantSource;
import java.util.List;

/** What objects take of the disk. */
public final class DiskRoutes {

  private final DiskUsage usage;
  private final InstantSource clock;

  public DiskRoutes(DiskUsage usage, InstantSource clock) {
    this.usage = usage;
    this.clock = clock;
  }

  public List<Route> table() {
    return List.of(get("/system/df", this::usage));
  }

  /** Before 1.42 there were no types to choose from. */
  private Answer usage(Call call) {
    var types = call.version().below(42) ? List.<String>of() : call.query().texts("type");
    return Answer.json(usage.of(types, call.version(), clock.instant()));
  }
}
