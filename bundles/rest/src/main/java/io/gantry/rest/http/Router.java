package io.gantry.rest.http;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds the route of a request: the first that fits, in the order they were given. */
public final class Router {

  record Match(Route route, Map<String, String> places) {}

  private final List<Route> routes;

  public Router(List<Route> routes) {
    this.routes = List.copyOf(routes);
  }

  Optional<Match> find(String method, String path) {
    for (Route route : routes) {
      var places = route.match(method, path);
      if (places.isPresent()) {
        return Optional.of(new Match(route, places.get()));
      }
    }
    return Optional.empty();
  }
}
