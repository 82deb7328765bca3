package io.gantry.rest.route;

import static io.gantry.rest.http.Route.delete;
import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.http.Route.put;

import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import java.util.List;
import java.util.stream.Stream;

/**
 * What Docker has and Gantry has not: Swarm, plugins and checkpoints with the answers that clients
 * know, the rest with a sentence that says it is not built yet.
 */
public final class AbsentRoutes {

  private static final String NO_SWARM =
      "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to"
          + " connect this node to swarm and try again.";
  private static final String NO_EXPERIMENTS =
      "This experimental feature is disabled by default. Start the Docker daemon in experimental"
          + " mode in order to enable it.";

  public List<Route> table() {
    return Stream.of(swarm(), plugins(), notBuilt()).flatMap(List::stream).toList();
  }

  private static List<Route> swarm() {
    return List.of(
        get("/swarm", AbsentRoutes::noSwarm),
        get("/swarm/unlockkey", AbsentRoutes::noSwarm),
        post("/swarm/init", AbsentRoutes::noSwarm),
        post("/swarm/join", AbsentRoutes::noSwarm),
        post("/swarm/leave", AbsentRoutes::noSwarm),
        post("/swarm/update", AbsentRoutes::noSwarm),
        post("/swarm/unlock", AbsentRoutes::noSwarm),
        get("/services", AbsentRoutes::noSwarm),
        get("/services/{id}", AbsentRoutes::noSwarm),
        get("/services/{id}/logs", AbsentRoutes::noSwarm),
        post("/services/create", AbsentRoutes::noSwarm),
        post("/services/{id}/update", AbsentRoutes::noSwarm),
        delete("/services/{id}", AbsentRoutes::noSwarm),
        get("/nodes", AbsentRoutes::noSwarm),
        get("/nodes/{id}", AbsentRoutes::noSwarm),
        post("/nodes/{id}/update", AbsentRoutes::noSwarm),
        delete("/nodes/{id}", AbsentRoutes::noSwarm),
        get("/tasks", AbsentRoutes::noSwarm),
        get("/tasks/{id}", AbsentRoutes::noSwarm),
        get("/tasks/{id}/logs", AbsentRoutes::noSwarm),
        get("/secrets", AbsentRoutes::noSwarm),
        get("/secrets/{id}", AbsentRoutes::noSwarm),
        post("/secrets/create", AbsentRoutes::noSwarm),
        post("/secrets/{id}/update", AbsentRoutes::noSwarm),
        delete("/secrets/{id}", AbsentRoutes::noSwarm),
        get("/configs", AbsentRoutes::noSwarm),
        get("/configs/{id}", AbsentRoutes::noSwarm),
        post("/configs/create", AbsentRoutes::noSwarm),
        post("/configs/{id}/update", AbsentRoutes::noSwarm),
        delete("/configs/{id}", AbsentRoutes::noSwarm));
  }

  private static List<Route> plugins() {
    return List.of(
        get("/plugins", call -> Answer.json(List.of())),
        get("/plugins/privileges", notBuilt("installing Docker plugins")),
        get("/plugins/{name...}/json", AbsentRoutes::noPlugin),
        post("/plugins/pull", notBuilt("installing Docker plugins")),
        post("/plugins/create", notBuilt("making Docker plugins")),
        post("/plugins/{name...}/enable", AbsentRoutes::noPlugin),
        post("/plugins/{name...}/disable", AbsentRoutes::noPlugin),
        post("/plugins/{name...}/push", AbsentRoutes::noPlugin),
        post("/plugins/{name...}/set", AbsentRoutes::noPlugin),
        post("/plugins/{name...}/upgrade", AbsentRoutes::noPlugin),
        delete("/plugins/{name...}", AbsentRoutes::noPlugin));
  }

  private static List<Route> notBuilt() {
    return List.of(
        post("/build", notBuilt("building images")),
        post("/build/prune", notBuilt("pruning the build cache")),
        post("/build/cancel", notBuilt("building images")),
        get("/containers/{id}/checkpoints", call -> Answer.error(501, NO_EXPERIMENTS)),
        post("/containers/{id}/checkpoints", call -> Answer.error(501, NO_EXPERIMENTS)),
        delete("/containers/{id}/checkpoints/{name}", call -> Answer.error(501, NO_EXPERIMENTS)),
        put("/volumes/{name}", AbsentRoutes::noSwarm));
  }

  private static Answer noSwarm(Call call) {
    return Answer.error(503, NO_SWARM);
  }

  private static Answer noPlugin(Call call) {
    return Answer.error(404, "plugin \"" + call.path("name") + "\" not found");
  }

  private static Route.Action notBuilt(String what) {
    return call -> Answer.error(501, what + " is not built yet");
  }
}
