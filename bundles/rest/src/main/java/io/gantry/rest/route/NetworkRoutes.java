package io.gantry.rest.route;

import static io.gantry.rest.http.Route.delete;
import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Networks;
import io.gantry.api.Networks.NetworkView;
import io.gantry.rest.docker.ContainerSpecs;
import io.gantry.rest.docker.DockerNames;
import io.gantry.rest.docker.Filters;
import io.gantry.rest.docker.NetworkJson;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Networks. */
public final class NetworkRoutes {

  private static final Set<String> FILTERS =
      Set.of("dangling", "driver", "id", "label", "name", "scope", "type");
  private static final Set<String> PRUNE_FILTERS = Set.of("label", "label!", "until");
  private static final Set<String> TYPES = Set.of("builtin", "custom");

  private final Networks networks;
  private final InstantSource clock;

  public NetworkRoutes(Networks networks, InstantSource clock) {
    this.networks = networks;
    this.clock = clock;
  }

  public List<Route> table() {
    return List.of(
        get("/networks", this::list),
        get("/networks/", this::list),
        post("/networks/create", this::create).json(),
        post("/networks/prune", this::prune),
        get("/networks/{id}", this::inspect),
        delete("/networks/{id}", this::remove),
        post("/networks/{id}/connect", this::connect).json(),
        post("/networks/{id}/disconnect", this::disconnect).json());
  }

  private Answer list(Call call) {
    var filters = Filters.parse(call.query().text("filters"), FILTERS);
    for (String type : filters.get("type")) {
      if (!TYPES.contains(type)) {
        throw new GantryException(INVALID, "invalid filter: 'type'='" + type + "'");
      }
    }
    boolean dangling = filters.flag("dangling", false);
    return Answer.json(
        networks.list().stream()
            .filter(view -> allows(filters, view))
            .filter(view -> !filters.has("dangling") || isDangling(view) == dangling)
            .map(view -> NetworkJson.of(view, call.version().below(28)))
            .toList());
  }

  private static boolean allows(Filters filters, NetworkView view) {
    return filters.matches("name", view.name())
        && filters.begins("id", view.id())
        && filters.allows("driver", DockerNames.networkDriver(view))
        && filters.allows("scope", "local")
        && filters.allows("type", view.predefined() ? "builtin" : "custom")
        && filters.labels(view.labels());
  }

  private static boolean isDangling(NetworkView view) {
    return !view.predefined() && view.endpoints().isEmpty();
  }

  private Answer create(Call call) {
    JsonObject body = call.json("CreateRequest");
    if (body.text("Scope").equals("swarm")) {
      throw new GantryException(
          FORBIDDEN, "cannot create a swarm scoped network when swarm is not active");
    }
    var created = networks.create(NetworkJson.read(body, call.version()));
    String warning = created.warnings().stream().collect(Collectors.joining("\n"));
    return Answer.json(201, object("Id", created.id(), "Warning", warning));
  }

  private Answer inspect(Call call) {
    call.query().flag("verbose"); // of services, which there are none of
    String scope = call.query().text("scope");
    var view = networks.inspect(call.path("id"));
    if (!scope.isEmpty() && !scope.equals("local")) {
      throw new GantryException(NOT_FOUND, "network " + call.path("id") + " not found");
    }
    return Answer.json(NetworkJson.of(view, true));
  }

  private Answer remove(Call call) {
    networks.remove(call.path("id"));
    return Answer.status(204);
  }

  private Answer connect(Call call) {
    JsonObject body = call.json("ConnectRequest");
    var endpoint = ContainerSpecs.network("", body.object("EndpointConfig"), call.version());
    networks.connect(call.path("id"), body.text("Container"), endpoint);
    return Answer.status(200);
  }

  private Answer disconnect(Call call) {
    JsonObject body = call.json("DisconnectRequest");
    networks.disconnect(call.path("id"), body.text("Container"), body.flag("Force"));
    return Answer.status(200);
  }

  private Answer prune(Call call) {
    var filters = Filters.parse(call.query().text("filters"), PRUNE_FILTERS);
    var until = filters.until(clock.instant());
    var names =
        networks.prune(
            view ->
                filters.labels(view.labels()) && (until == null || view.created().isBefore(until)));
    return Answer.json(object("NetworksDeleted", names.isEmpty() ? null : names));
  }
}
