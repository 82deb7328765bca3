package io.gantry.rest.route;

import static io.gantry.rest.http.Route.delete;
import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.Volumes;
import io.gantry.api.Volumes.VolumeSpec;
import io.gantry.api.Volumes.VolumeView;
import io.gantry.rest.docker.Filters;
import io.gantry.rest.docker.MountRequests;
import io.gantry.rest.docker.VolumeJson;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Volumes. */
public final class VolumeRoutes {

  private static final Set<String> FILTERS = Set.of("dangling", "name", "driver", "label");

  private final Volumes volumes;

  public VolumeRoutes(Volumes volumes) {
    this.volumes = volumes;
  }

  public List<Route> table() {
    return List.of(
        get("/volumes", this::list),
        post("/volumes/create", this::create).json(),
        post("/volumes/prune", this::prune),
        get("/volumes/{name}", this::inspect),
        delete("/volumes/{name}", this::remove));
  }

  private Answer list(Call call) {
    var filters = Filters.parse(call.query().text("filters"), FILTERS);
    boolean dangling = filters.flag("dangling", false);
    var rows =
        volumes.list().stream()
            .filter(volume -> !filters.has("dangling") || volume.users().isEmpty() == dangling)
            .filter(volume -> filters.matches("name", volume.name()))
            .filter(volume -> filters.allows("driver", volume.driver()))
            .filter(volume -> filters.labels(labels(volume)))
            .map(VolumeJson::of)
            .toList();
    return Answer.json(object("Volumes", rows, "Warnings", null));
  }

  private static Map<String, String> labels(VolumeView volume) {
    return volume.labels() == null ? Map.of() : volume.labels();
  }

  private Answer create(Call call) {
    JsonObject body = call.json("CreateOptions");
    if (body.objectOrNull("ClusterVolumeSpec") != null && body.text("Driver").isEmpty()) {
      throw new GantryException(INVALID, "cluster volumes need a swarm, which Gantry has not");
    }
    var spec =
        new VolumeSpec(
            body.text("Name"),
            body.text("Driver"),
            MountRequests.mapOrNull(body, "DriverOpts"),
            MountRequests.mapOrNull(body, "Labels"));
    return Answer.json(201, VolumeJson.of(volumes.create(spec)));
  }

  private Answer inspect(Call call) {
    return Answer.json(VolumeJson.of(volumes.inspect(call.path("name"))));
  }

  private Answer remove(Call call) {
    volumes.remove(call.path("name"), call.query().flag("force"));
    return Answer.status(204);
  }

  /** Since 1.42 only those without a name, unless all are asked for. */
  private Answer prune(Call call) {
    boolean always = call.version().below(42);
    var keys = always ? Set.of("label", "label!") : Set.of("label", "label!", "all");
    var filters = Filters.parse(call.query().text("filters"), keys);
    boolean all = always || filters.flag("all", false);
    var pruned =
        volumes.prune(volume -> (all || volume.isAnonymous()) && filters.labels(labels(volume)));
    return Answer.json(object("VolumesDeleted", pruned.names(), "SpaceReclaimed", pruned.bytes()));
  }
}
