package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.EndpointView;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Where a container meets its networks, as inspect and lists show it. */
final class EndpointJson {

  private EndpointJson() {}

  /** {@code NetworkSettings} of inspect. */
  static Map<String, @Nullable Object> settings(ContainerView view, ApiVersion version) {
    EndpointView main = view.networks().get("bridge");
    return object(
        "Bridge",
        "",
        "SandboxID",
        "",
        "SandboxKey",
        "",
        "Ports",
        ports(view),
        "HairpinMode",
        false,
        "LinkLocalIPv6Address",
        "",
        "LinkLocalIPv6PrefixLen",
        0,
        "SecondaryIPAddresses",
        null,
        "SecondaryIPv6Addresses",
        null,
        "EndpointID",
        main == null ? "" : main.endpointId(),
        "Gateway",
        main == null ? "" : main.gateway(),
        "GlobalIPv6Address",
        main == null ? "" : main.address6(),
        "GlobalIPv6PrefixLen",
        main == null ? 0 : main.prefixLength6(),
        "IPAddress",
        main == null ? "" : main.address(),
        "IPPrefixLen",
        main == null ? 0 : main.prefixLength(),
        "IPv6Gateway",
        main == null ? "" : main.gateway6(),
        "MacAddress",
        main == null ? "" : main.mac(),
        "Networks",
        inspected(view, version));
  }

  /** The endpoints of a list: without names. */
  static Map<String, @Nullable Object> listed(ContainerView view) {
    var networks = new TreeMap<String, @Nullable Object>();
    view.networks().forEach((name, endpoint) -> networks.put(name, endpoint(endpoint, null, null)));
    return networks;
  }

  private static Map<String, @Nullable Object> inspected(ContainerView view, ApiVersion version) {
    var networks = new TreeMap<String, @Nullable Object>();
    view.networks()
        .forEach(
            (name, endpoint) -> {
              List<String> aliases = endpoint.asked().aliases();
              if (!endpoint.names().isEmpty() && version.below(45)) {
                var longer = new ArrayList<>(aliases);
                longer.add(ContainerJson.shortId(view));
                aliases = longer;
              }
              networks.put(name, endpoint(endpoint, orNull(aliases), orNull(endpoint.names())));
            });
    return networks;
  }

  private static @Nullable List<String> orNull(List<String> texts) {
    return texts.isEmpty() ? null : texts;
  }

  private static @Nullable Map<String, @Nullable Object> ipam(NetworkRequest asked) {
    if (!asked.hasAddress()) {
      return null;
    }
    var json = new LinkedHashMap<String, @Nullable Object>();
    if (!asked.address().isEmpty()) {
      json.put("IPv4Address", asked.address());
    }
    if (!asked.address6().isEmpty()) {
      json.put("IPv6Address", asked.address6());
    }
    if (!asked.linkLocal().isEmpty()) {
      json.put("LinkLocalIPs", asked.linkLocal());
    }
    return json;
  }

  private static Map<String, @Nullable Object> endpoint(
      EndpointView endpoint, @Nullable List<String> aliases, @Nullable List<String> dnsNames) {
    NetworkRequest asked = endpoint.asked();
    return object(
        "IPAMConfig",
        ipam(asked),
        "Links",
        orNull(asked.links()),
        "Aliases",
        aliases,
        "MacAddress",
        endpoint.mac(),
        "DriverOpts",
        asked.options().isEmpty() ? null : JsonText.sorted(asked.options()),
        "GwPriority",
        asked.gatewayPriority(),
        "NetworkID",
        endpoint.networkId(),
        "EndpointID",
        endpoint.endpointId(),
        "Gateway",
        endpoint.gateway(),
        "IPAddress",
        endpoint.address(),
        "IPPrefixLen",
        endpoint.prefixLength(),
        "IPv6Gateway",
        endpoint.gateway6(),
        "GlobalIPv6Address",
        endpoint.address6(),
        "GlobalIPv6PrefixLen",
        endpoint.prefixLength6(),
        "DNSNames",
        dnsNames);
  }

  /** Exposed ports, with those of the host that lead to them. */
  private static Map<String, @Nullable Object> ports(ContainerView view) {
    var ports = new TreeMap<String, @Nullable Object>();
    if (!view.state().running()) {
      return ports;
    }
    view.spec().process().exposedPorts().forEach(port -> ports.put(port, null));
    for (var port : view.ports()) {
      var bindings = new ArrayList<Object>();
      view.ports().stream()
          .filter(other -> other.port().equals(port.port()))
          .forEach(
              other ->
                  bindings.add(
                      object(
                          "HostIp",
                          other.hostAddress(),
                          "HostPort",
                          other.hostPort() == 0 ? "" : Integer.toString(other.hostPort()))));
      ports.put(port.port(), bindings);
    }
    return ports;
  }
}
