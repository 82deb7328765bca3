package io.gantry.rest.route;

import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Drivers;
import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.Networks;
import io.gantry.api.Networks.Member;
import io.gantry.api.Networks.NetworkView;
import io.gantry.api.Networks.Pool;
import io.gantry.api.Ports;
import io.gantry.api.Ports.PublishedPort;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import io.gantry.rest.json.JsonText;
import io.gantry.spi.GantryException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Networks with their drivers' states, and ports of containers, which may change while they run.
 */
public final class PortRoutes {

  private final Ports ports;
  private final Networks networks;
  private final Drivers drivers;

  public PortRoutes(Ports ports, Networks networks, Drivers drivers) {
    this.ports = ports;
    this.networks = networks;
    this.drivers = drivers;
  }

  public List<Route> table() {
    return List.of(
        get("/gantry/v1/networks", this::networks),
        get("/gantry/v1/networks/{id}", this::network),
        get("/gantry/v1/ports", this::list),
        get("/gantry/v1/containers/{id}/ports", this::ofContainer),
        post("/gantry/v1/containers/{id}/ports/publish", this::publish).json(),
        post("/gantry/v1/containers/{id}/ports/unpublish", this::unpublish).json());
  }

  private Answer networks(Call call) {
    return Answer.json(networks.list().stream().map(this::json).toList());
  }

  private Answer network(Call call) {
    return Answer.json(json(networks.inspect(call.path("id"))));
  }

  private Answer list(Call call) {
    return Answer.json(ports.list().stream().map(PortRoutes::json).toList());
  }

  private Answer ofContainer(Call call) {
    return Answer.json(ports.list(call.path("id")).stream().map(PortRoutes::json).toList());
  }

  private Answer publish(Call call) {
    ports.publish(call.path("id"), requests(call));
    return ofContainer(call);
  }

  private Answer unpublish(Call call) {
    ports.unpublish(call.path("id"), requests(call));
    return ofContainer(call);
  }

  private static List<PortRequest> requests(Call call) {
    var requests =
        call.json("PortsRequest").objects("ports").stream()
            .map(
                port ->
                    new PortRequest(
                        port.text("port"), port.text("hostAddress"), port.text("hostPort")))
            .toList();
    if (requests.isEmpty()) {
      throw new GantryException(INVALID, "ports must name at least one port");
    }
    return requests;
  }

  private static Map<String, @Nullable Object> json(PublishedPort port) {
    return object(
        "container", port.container(),
        "name", port.name(),
        "protocol", port.protocol(),
        "hostAddress", port.hostAddress(),
        "hostPort", port.hostPort(),
        "network", port.network(),
        "address", port.address(),
        "port", port.port(),
        "mapper", port.mapper(),
        "proxied", port.proxied());
  }

  private Map<String, @Nullable Object> json(NetworkView view) {
    return object(
        "id", view.id(),
        "name", view.name(),
        "created", view.created().toString(),
        "driver", view.driver(),
        "driverState", state(view.driver()),
        "ipv4", view.ipv4(),
        "ipv6", view.ipv6(),
        "internal", view.internal(),
        "subnets", view.ipam().pools().stream().map(Pool::subnet).toList(),
        "gateways", view.ipam().pools().stream().map(Pool::gateway).toList(),
        "options", JsonText.sorted(view.options()),
        "labels", JsonText.sorted(view.labels()),
        "endpoints",
            view.endpoints().values().stream()
                .sorted(Comparator.comparing(Member::name))
                .map(PortRoutes::json)
                .toList(),
        "containers", view.users());
  }

  /** Empty for a network that is nothing but settings. */
  private String state(String driver) {
    if (driver.isEmpty()) {
      return "";
    }
    try {
      var state = drivers.inspect("NetworkDriver", driver).state();
      return state.name().toLowerCase(Locale.ROOT);
    } catch (GantryException e) {
      if (e.kind() != NOT_FOUND) {
        throw e;
      }
      return "absent";
    }
  }

  private static Map<String, @Nullable Object> json(Member member) {
    return object(
        "container", member.container(),
        "name", member.name(),
        "id", member.endpointId(),
        "mac", member.mac(),
        "address", member.address(),
        "address6", member.address6());
  }
}
