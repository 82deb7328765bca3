package io.gantry.rest.route;

import static io.gantry.rest.http.Route.delete;
import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.rest.docker.Filters;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import io.gantry.spi.GantryException;
import java.util.List;
import java.util.Set;

/** Volumes: none, until there is a volume driver. */
public final class VolumeRoutes {

  private static final Set<String> FILTERS = Set.of("dangling", "name", "driver", "label");

  public List<Route> table() {
    return List.of(
        get("/volumes", this::list),
        get("/volumes/{name}", this::inspect),
        delete("/volumes/{name}", this::remove));
  }

  private Answer list(Call call) {
    Filters.parse(call.query().text("filters"), FILTERS);
    return Answer.json(object("Volumes", List.of(), "Warnings", null));
  }

  private Answer inspect(Call call) {
    throw noSuchVolume(call);
  }

  private Answer remove(Call call) {
    if (call.query().flag("force")) {
      return Answer.status(204);
    }
    throw noSuchVolume(call);
  }

  private static GantryException noSuchVolume(Call call) {
    return new GantryException(NOT_FOUND, "get " + call.path("name") + ": no such volume");
  }
}
