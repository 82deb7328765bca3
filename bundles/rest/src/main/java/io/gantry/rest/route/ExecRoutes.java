package io.gantry.rest.route;

import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ByteStream;
import io.gantry.api.Containers;
import io.gantry.api.ExecSpec;
import io.gantry.api.ExecView;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.util.List;

/** Processes run in containers that run. */
public final class ExecRoutes {

  private final Containers containers;

  public ExecRoutes(Containers containers) {
    this.containers = containers;
  }

  public List<Route> table() {
    return List.of(
        post("/containers/{id}/exec", this::create).json().quick(),
        post("/exec/{id}/start", this::start).json().held(),
        post("/exec/{id}/resize", this::resize),
        get("/exec/{id}/json", this::inspect).quick());
  }

  private Answer create(Call call) {
    JsonObject body = call.optionalJson("ExecOptions");
    List<String> command = body.textsOrNull("Cmd");
    if (command == null || command.isEmpty()) {
      throw new GantryException(INVALID, "No exec command specified");
    }
    int[] size = body.pair("ConsoleSize");
    String id =
        containers.createExec(
            call.path("id"),
            new ExecSpec(
                command,
                body.texts("Env"),
                body.text("User"),
                body.text("WorkingDir"),
                body.flag("Tty"),
                body.flag("AttachStdin"),
                body.flag("AttachStdout"),
                body.flag("AttachStderr"),
                body.flag("Privileged"),
                body.text("DetachKeys"),
                size[0],
                size[1]));
    return Answer.json(201, object("Id", id));
  }

  private Answer start(Call call) {
    JsonObject body = call.optionalJson("ExecStartOptions");
    boolean detach = body.flag("Detach");
    int[] size = body.pair("ConsoleSize");
    boolean sized = body.flag("Tty"); // else it means nothing
    ByteStream stream =
        containers.startExec(call.path("id"), detach, sized ? size[0] : 0, sized ? size[1] : 0);
    if (detach) {
      stream.close();
      return Answer.status(200);
    }
    ByteStream shown = stream.terminal() && !sized ? new FramedTerminal(stream) : stream;
    return Answer.hijack(Streams.contentType(call, shown), shown);
  }

  private Answer resize(Call call) {
    int rows = Streams.size(call, "h", "height");
    int columns = Streams.size(call, "w", "width");
    containers.resizeExec(call.path("id"), rows, columns);
    return Answer.status(200);
  }

  private Answer inspect(Call call) {
    ExecView exec = containers.inspectExec(call.path("id"));
    ExecSpec spec = exec.spec();
    var process =
        object(
            "tty", spec.terminal(),
            "entrypoint", spec.args().get(0),
            "arguments", spec.args().subList(1, spec.args().size()),
            "privileged", spec.privileged());
    if (!spec.user().isEmpty()) {
      process.put("user", spec.user());
    }
    return Answer.json(
        object(
            "ID", exec.id(),
            "Running", exec.running(),
            "ExitCode", exec.exitCode(),
            "ProcessConfig", process,
            "OpenStdin", spec.stdin(),
            "OpenStderr", spec.stderr(),
            "OpenStdout", spec.stdout(),
            "CanRemove", exec.exitCode() != null,
            "ContainerID", exec.container(),
            "DetachKeys", spec.detachKeys(),
            "Pid", exec.pid()));
  }
}
