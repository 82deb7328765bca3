package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.State;
import io.gantry.api.Containers.Sizes;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.rest.json.JsonText;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A container as {@code GET /containers/json} lists it. */
public final class ContainerListJson {

  private ContainerListJson() {}

  /**
   * @param image what to call its image
   * @param sizes null: not asked for
   */
  public static Map<String, @Nullable Object> of(
      ContainerView view, String image, @Nullable Sizes sizes, ApiVersion version, Instant now) {
    var json =
        object(
            "Id", view.id(),
            "Names", names(view),
            "Image", image,
            "ImageID", view.imageId(),
            "Command", command(view),
            "Created", view.created().getEpochSecond(),
            "Ports", ports(view));
    if (sizes != null) {
      if (sizes.writableBytes() > 0) {
        json.put("SizeRw", sizes.writableBytes());
      }
      json.put("SizeRootFs", sizes.rootBytes());
    }
    json.put("Labels", JsonText.sorted(view.spec().labels()));
    json.put("State", ContainerJson.word(view.state()));
    json.put("Status", status(view.state(), now));
    json.put("HostConfig", hostConfig(view, version));
    json.put("NetworkSettings", object("Networks", EndpointJson.listed(view)));
    json.put("Mounts", ContainerJson.mounts(view));
    return json;
  }

  /** What {@code docker ps} shows under STATUS. */
  static String status(State state, Instant now) {
    return switch (state.status()) {
      case RUNNING -> "Up " + since(state.started(), now) + health(state);
      case PAUSED -> "Up " + since(state.started(), now) + " (Paused)";
      case RESTARTING ->
          "Restarting (" + state.exitCode() + ") " + since(state.finished(), now) + " ago";
      case REMOVING -> "Removal In Progress";
      case DEAD -> "Dead";
      case CREATED -> "Created";
      case EXITED -> "Exited (" + state.exitCode() + ") " + since(state.finished(), now) + " ago";
    };
  }

  private static List<String> names(ContainerView view) {
    var names = new ArrayList<String>();
    names.add("/" + view.name());
    view.aliases().forEach(alias -> names.add("/" + alias));
    return names;
  }

  private static String health(State state) {
    if (state.health() == null) {
      return "";
    }
    String word = HealthJson.word(state);
    return word.equals("starting") ? " (health: starting)" : " (" + word + ")";
  }

  private static String since(@Nullable Instant time, Instant now) {
    return GoTime.human(time == null ? Duration.ZERO : Duration.between(time, now));
  }

  private static String command(ContainerView view) {
    var command = new StringBuilder(view.path());
    for (String arg : view.args()) {
      command.append(' ').append(arg.contains(" ") ? "'" + arg + "'" : arg);
    }
    return command.toString();
  }

  private static Map<String, @Nullable Object> hostConfig(ContainerView view, ApiVersion version) {
    String text = view.spec().documents().getOrDefault(ContainerSpecs.HOST_CONFIG, "{}");
    String network = view.spec().host().namespaces().network();
    // A list of a thousand spends most of its time here otherwise.
    boolean plain = !network.startsWith("container:") && !text.contains("\"Annotations\"");
    JsonObject echo = plain ? JsonObject.empty("HostConfig") : JsonObject.parse(text, "HostConfig");
    String asked = network.equals("default") ? "" : network;
    String mode = plain ? asked : echo.text("NetworkMode");
    var json = object("NetworkMode", mode.isEmpty() ? "bridge" : mode);
    if (version.atLeast(46) && echo.has("Annotations")) {
      json.put("Annotations", echo.raw("Annotations"));
    }
    return json;
  }

  static List<Map<String, @Nullable Object>> ports(ContainerView view) {
    var ports = new ArrayList<Map<String, @Nullable Object>>();
    if (!view.state().running()) {
      return ports;
    }
    for (var port : view.ports()) {
      var json = object("IP", port.hostAddress());
      port(json, port.port(), port.hostPort());
      ports.add(json);
    }
    for (String port : view.spec().process().exposedPorts()) {
      boolean published = view.ports().stream().anyMatch(other -> other.port().equals(port));
      if (!published && port.matches("\\d{1,5}(/\\w+)?")) {
        var json = object();
        port(json, port, 0);
        ports.add(json);
      }
    }
    return ports;
  }

  private static void port(Map<String, @Nullable Object> json, String port, int hostPort) {
    int slash = port.indexOf('/');
    json.put("PrivatePort", Integer.parseInt(slash < 0 ? port : port.substring(0, slash)));
    if (hostPort > 0) {
      json.put("PublicPort", hostPort);
    }
    json.put("Type", slash < 0 ? "tcp" : port.substring(slash + 1));
  }
}
