package io.gantry.rest.route;

import static io.gantry.rest.http.Route.delete;
import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.AttachOptions;
import io.gantry.api.ByteStream;
import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers;
import io.gantry.api.Containers.Exit;
import io.gantry.api.Containers.Sizes;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.api.Images;
import io.gantry.api.LogQuery;
import io.gantry.rest.docker.ContainerFilter;
import io.gantry.rest.docker.ContainerJson;
import io.gantry.rest.docker.ContainerListJson;
import io.gantry.rest.docker.ContainerSpecs;
import io.gantry.rest.docker.CreateChecks;
import io.gantry.rest.docker.Filters;
import io.gantry.rest.docker.GoTime;
import io.gantry.rest.docker.ImageNames;
import io.gantry.rest.docker.LimitRequests;
import io.gantry.rest.docker.StatsJson;
import io.gantry.rest.docker.StatsStream;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Query;
import io.gantry.rest.http.Route;
import io.gantry.rest.json.JsonText;
import io.gantry.spi.GantryException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Containers from create to remove. */
public final class ContainerRoutes {
  private static final Logger log = System.getLogger(ContainerRoutes.class.getName());

  private final Containers containers;
  private final Images images;
  private final InstantSource clock;

  public ContainerRoutes(Containers containers, Images images, InstantSource clock) {
    this.containers = containers;
    this.images = images;
    this.clock = clock;
  }

  public List<Route> table() {
    return List.of(
        get("/containers/json", this::list),
        post("/containers/create", this::create).json(),
        post("/containers/prune", this::prune),
        get("/containers/{id}/json", this::inspect),
        get("/containers/{id}/top", this::top),
        get("/containers/{id}/logs", this::logs).held(),
        get("/containers/{id}/stats", this::stats).held(),
        post("/containers/{id}/start", this::start),
        post("/containers/{id}/stop", this::stop).waits(),
        post("/containers/{id}/restart", this::restart).waits(),
        post("/containers/{id}/kill", this::kill),
        post("/containers/{id}/pause", this::pause),
        post("/containers/{id}/unpause", this::unpause),
        post("/containers/{id}/rename", this::rename),
        post("/containers/{id}/update", this::update).json(),
        post("/containers/{id}/resize", this::resize),
        post("/containers/{id}/wait", this::await).held().quick(),
        post("/containers/{id}/attach", this::attach).held(),
        get("/containers/{id}/attach/ws", this::attachByWebSocket).held(),
        delete("/containers/{id}", call -> remove(call, call.path("id"))),
        delete(
            "/containers/{parent}/{alias}",
            call -> remove(call, call.path("parent") + "/" + call.path("alias"))));
  }

  private Answer list(Call call) {
    Query query = call.query();
    var filter = new ContainerFilter(query.text("filters"), containers, images);
    Integer limit = query.number("limit");
    boolean all = query.flag("all") || filter.wantsAll() || (limit != null && limit > 0);
    boolean size = query.flag("size");
    var names = new ImageNames(images.list());
    var rows = new ArrayList<Object>();
    Instant now = clock.instant();
    for (ContainerView view : containers.list()) {
      if ((all || view.state().running()) && filter.allows(view)) {
        var sizes = size ? sizes(view.id()) : null;
        rows.add(ContainerListJson.of(view, names.shown(view), sizes, call.version(), now));
      }
      if (limit != null && limit > 0 && rows.size() == limit) {
        break;
      }
    }
    return Answer.json(rows);
  }

  /** Null for one that has gone, or whose driver is away: no list fails because of it. */
  private @Nullable Sizes sizes(String id) {
    try {
      return containers.sizes(id);
    } catch (GantryException e) {
      log.log(Level.DEBUG, "no sizes of {0}: {1}", id, e.getMessage());
      return null;
    }
  }

  private Answer create(Call call) {
    var body = call.json("CreateRequest");
    String name = call.query().text("name");
    var spec = ContainerSpecs.read(body, name, call.query().text("platform"), call.version());
    var further = new ArrayList<>(LimitRequests.warnings(body.object("HostConfig")));
    further.addAll(CreateChecks.warnings(body, call.version()));
    var created = containers.create(spec); // once all of the request has been read
    var warnings = new ArrayList<>(created.warnings());
    warnings.addAll(further);
    return Answer.json(201, object("Id", created.id(), "Warnings", warnings));
  }

  private Answer inspect(Call call) {
    ContainerView view = containers.inspect(call.path("id"));
    var sizes = call.query().flag("size") ? containers.sizes(view.id()) : null;
    return Answer.json(ContainerJson.of(view, sizes, call.version()));
  }

  private Answer top(Call call) {
    String arguments = call.query().has("ps_args") ? call.query().text("ps_args") : "-ef";
    var list = containers.top(call.path("id"), arguments);
    return Answer.json(object("Processes", list.processes(), "Titles", list.titles()));
  }

  private Answer logs(Call call) {
    Query query = call.query();
    boolean stdout = query.flag("stdout");
    boolean stderr = query.flag("stderr");
    if (!stdout && !stderr) {
      throw new GantryException(INVALID, "Bad parameters: you must choose at least one stream");
    }
    ByteStream stream =
        containers.logs(
            call.path("id"),
            new LogQuery(
                stdout,
                stderr,
                query.flag("follow"),
                query.flag("timestamps"),
                query.flag("details"),
                moment(query, "since"),
                moment(query, "until"),
                tail(query.text("tail"))));
    return Answer.stream(Streams.contentType(call, stream), stream);
  }

  private Answer stats(Call call) {
    Query query = call.query();
    ContainerView view = containers.inspect(call.path("id"));
    String id = view.id();
    boolean streams = query.flag("stream", true);
    boolean atOnce = call.version().atLeast(41) && query.flag("one-shot", false);
    if (streams && atOnce) {
      throw new GantryException(INVALID, "cannot have stream=true and one-shot=true");
    }
    if (streams) {
      return Answer.stream(Answer.JSON, StatsStream.all(containers.followStats(id)));
    }
    var state = view.state();
    return atOnce || !state.running() || state.status() == Status.RESTARTING
        ? Answer.json(new JsonText.Raw(StatsJson.of(containers.stats(id))))
        : Answer.stream(Answer.JSON, StatsStream.one(containers.followStats(id)));
  }

  /** Zero, Go's zero time and nothing are the same: no bound. */
  private static @Nullable Instant moment(Query query, String name) {
    String text = query.text(name);
    if (text.isEmpty() || text.equals("0")) {
      return null;
    }
    var moment = GoTime.unix(text);
    return moment.equals(GoTime.ZERO_INSTANT) ? null : moment;
  }

  private static long tail(String text) {
    try {
      return text.isEmpty() || text.equals("all") ? -1 : Math.max(-1, Long.parseLong(text));
    } catch (NumberFormatException e) {
      return -1; // Docker shows everything then
    }
  }

  private Answer start(Call call) {
    if (call.hasBodyBeyond(7)) {
      throw new GantryException(
          INVALID,
          "starting container with non-empty request body was deprecated since API v1.22 and"
              + " removed in v1.24");
    }
    containers.start(call.path("id"));
    return Answer.status(204);
  }

  private Answer stop(Call call) {
    containers.stop(call.path("id"), signal(call), timeout(call));
    return Answer.status(204);
  }

  private Answer restart(Call call) {
    containers.restart(call.path("id"), signal(call), timeout(call));
    return Answer.status(204);
  }

  private static @Nullable String signal(Call call) {
    String signal = call.query().text("signal");
    return signal.isEmpty() || call.version().below(42) ? null : signal;
  }

  private static @Nullable Duration timeout(Call call) {
    Integer seconds = call.query().number("t");
    return seconds == null ? null : Duration.ofSeconds(seconds);
  }

  private Answer kill(Call call) {
    String signal = call.query().text("signal");
    containers.kill(call.path("id"), signal.isEmpty() ? "SIGKILL" : signal);
    return Answer.status(204);
  }

  private Answer pause(Call call) {
    containers.pause(call.path("id"));
    return Answer.status(204);
  }

  private Answer unpause(Call call) {
    try {
      containers.unpause(call.path("id"));
    } catch (GantryException e) {
      // Docker answers 500 where 409 would be right, and clients know it
      throw e.kind() == CONFLICT ? new GantryException(INTERNAL, e.getMessage(), e) : e;
    }
    return Answer.status(204);
  }

  private Answer rename(Call call) {
    containers.rename(call.path("id"), call.query().text("name"));
    return Answer.status(204);
  }

  private Answer update(Call call) {
    var body = call.json("UpdateConfig");
    var update = ContainerSpecs.readUpdate(body, call.version());
    var further = LimitRequests.warnings(body);
    var warnings = new ArrayList<>(containers.update(call.path("id"), update));
    warnings.addAll(further);
    return Answer.json(object("Warnings", warnings.isEmpty() ? null : warnings));
  }

  private Answer resize(Call call) {
    int rows = Streams.size(call, "h", "height");
    int columns = Streams.size(call, "w", "width");
    containers.resize(call.path("id"), rows, columns);
    return Answer.status(200);
  }

  private Answer await(Call call) {
    String condition = call.query().text("condition");
    WaitCondition asked =
        switch (condition) {
          case "", "not-running" -> WaitCondition.NOT_RUNNING;
          case "next-exit" -> WaitCondition.NEXT_EXIT;
          case "removed" -> WaitCondition.REMOVED;
          default -> throw new GantryException(INVALID, "invalid condition: \"" + condition + "\"");
        };
    return Answer.later(containers.await(call.path("id"), asked), ContainerRoutes::exit);
  }

  private static Object exit(Exit exit) {
    var json = object("StatusCode", exit.status());
    if (!exit.error().isEmpty()) {
      json.put("Error", object("Message", exit.error()));
    }
    return json;
  }

  private Answer attach(Call call) {
    Query query = call.query();
    ByteStream stream =
        containers.attach(
            call.path("id"),
            new AttachOptions(
                query.flag("stdin"),
                query.flag("stdout"),
                query.flag("stderr"),
                query.flag("logs"),
                query.flag("stream"),
                query.text("detachKeys")));
    return Answer.hijack(Streams.contentType(call, stream), stream);
  }

  /** Before 1.42 clients did not say which streams they want: all. */
  private Answer attachByWebSocket(Call call) {
    Query query = call.query();
    boolean all = call.version().below(42);
    String ref = call.path("id");
    containers.inspect(ref);
    var options =
        new AttachOptions(
            all || query.flag("stdin"),
            all || query.flag("stdout"),
            all || query.flag("stderr"),
            query.flag("logs"),
            query.flag("stream"),
            query.text("detachKeys"));
    return Answer.webSocket(() -> containers.attach(ref, options));
  }

  private Answer remove(Call call, String ref) {
    Query query = call.query();
    if (query.flag("link")) {
      containers.unlink(ref);
      return Answer.status(204);
    }
    containers.remove(ref, query.flag("force"), query.flag("v"));
    return Answer.status(204);
  }

  private Answer prune(Call call) {
    var filters = Filters.parse(call.query().text("filters"), Set.of("label", "label!", "until"));
    Instant until = filters.until(clock.instant());
    var pruned =
        containers.prune(
            view ->
                filters.labels(view.spec().labels())
                    && (until == null || view.created().isBefore(until)));
    return Answer.json(
        object(
            "ContainersDeleted",
            pruned.ids().isEmpty() ? null : pruned.ids(),
            "SpaceReclaimed",
            pruned.bytes()));
  }
}
