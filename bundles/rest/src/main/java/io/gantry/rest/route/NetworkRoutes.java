package io.gantry.rest.route;

import static io.gantry.rest.http.Route.delete;
import static io.gantry.rest.http.Route.get;
import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Containers;
import io.gantry.api.Engine;
import io.gantry.api.Engine.EngineView;
import io.gantry.rest.docker.Filters;
import io.gantry.rest.docker.NetworkJson;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import io.gantry.spi.GantryException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The predefined networks; others wait for the bridge driver. */
public final class NetworkRoutes {

  private static final Set<String> FILTERS =
      Set.of("dangling", "driver", "id", "label", "name", "scope", "type");

  private final Containers containers;
  private final Engine engine;

  public NetworkRoutes(Containers containers, Engine engine) {
    this.containers = containers;
    this.engine = engine;
  }

  public List<Route> table() {
    return List.of(
        get("/networks", this::list),
        get("/networks/", this::list),
        get("/networks/{id}", this::inspect),
        delete("/networks/{id}", this::remove));
  }

  private Answer list(Call call) {
    Filters filters = Filters.parse(call.query().text("filters"), FILTERS);
    for (String type : filters.get("type")) {
      if (!type.equals("builtin") && !type.equals("custom")) {
        throw new GantryException(INVALID, "invalid filter: 'type'='" + type + "'");
      }
    }
    EngineView view = engine.view();
    return Answer.json(
        NetworkJson.PREDEFINED.stream()
            .filter(name -> allows(filters, name, NetworkJson.id(view, name)))
            .map(name -> NetworkJson.of(view, name, List.of()))
            .toList());
  }

  private static boolean allows(Filters filters, String name, String id) {
    boolean nameFits =
        !filters.has("name") || filters.get("name").stream().anyMatch(name::contains);
    return nameFits
        && filters.begins("id", id)
        && filters.allows("driver", NetworkJson.driver(name))
        && filters.allows("scope", "local")
        && filters.allows("type", "builtin")
        && filters.labels(Map.of())
        && !filters.flag("dangling", false);
  }

  private Answer inspect(Call call) {
    String name = find(call.path("id"));
    String scope = call.query().text("scope");
    if (!scope.isEmpty() && !scope.equals("local")) {
      throw notFound(call.path("id"));
    }
    return Answer.json(NetworkJson.of(engine.view(), name, containers.list()));
  }

  private Answer remove(Call call) {
    throw new GantryException(
        FORBIDDEN, find(call.path("id")) + " is a pre-defined network and cannot be removed");
  }

  /** By name, id or a prefix of an id that only one has. */
  private String find(String ref) {
    if (NetworkJson.PREDEFINED.contains(ref)) {
      return ref;
    }
    EngineView view = engine.view();
    List<String> found =
        NetworkJson.PREDEFINED.stream()
            .filter(name -> NetworkJson.id(view, name).startsWith(ref))
            .toList();
    if (found.size() > 1) {
      throw new GantryException(
          INVALID,
          "network " + ref + " is ambiguous (" + found.size() + " matches found on ID prefix)");
    }
    return Optional.ofNullable(found.isEmpty() ? null : found.get(0))
        .orElseThrow(() -> notFound(ref));
  }

  private static GantryException notFound(String ref) {
    return new GantryException(NOT_FOUND, "network " + ref + " not found");
  }
}
