package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.EndpointView;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Where a container meets its networks, as inspect and lists show it. */
final class EndpointJson {

  private static final Set<String> PREDEFINED = Set.of("bridge", "default", "host", "none");

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
        "",
        "GlobalIPv6PrefixLen",
        0,
        "IPAddress",
        main == null ? "" : main.address(),
        "IPPrefixLen",
        main == null ? 0 : main.prefixLength(),
        "IPv6Gateway",
        "",
        "MacAddress",
        main == null ? "" : main.mac(),
        "Networks",
        inspected(view, version));
  }

  /** The endpoints of a list: without names. */
  static Map<String, @Nullable Object> listed(ContainerView view) {
    var networks = new TreeMap<String, @Nullable Object>();
    view.networks()
        .forEach((name, endpoint) -> networks.put(name, endpoint(name, endpoint, null, null)));
    return networks;
  }

  private static Map<String, @Nullable Object> inspected(ContainerView view, ApiVersion version) {
    var networks = new TreeMap<String, @Nullable Object>();
    view.networks()
        .forEach(
            (name, endpoint) -> {
              JsonObject asked = asked(view, name);
              boolean named = !PREDEFINED.contains(name);
              List<String> aliases = asked.textsOrNull("Aliases");
              if (named && version.below(45)) {
                var longer = new ArrayList<>(aliases == null ? List.<String>of() : aliases);
                longer.add(ContainerJson.shortId(view));
                aliases = longer;
              }
              var json = endpoint(name, endpoint, aliases, named ? dnsNames(view, endpoint) : null);
              json.put("IPAMConfig", asked.raw("IPAMConfig"));
              json.put("Links", asked.raw("Links"));
              json.put("DriverOpts", asked.raw("DriverOpts"));
              json.put("GwPriority", asked.number("GwPriority"));
              networks.put(name, json);
            });
    return networks;
  }

  private static JsonObject asked(ContainerView view, String network) {
    String text = view.spec().documents().getOrDefault(ContainerSpecs.ENDPOINTS, "{}");
    JsonObject endpoints = JsonObject.parse(text, "EndpointsConfig");
    String key = network.equals("bridge") && !endpoints.has("bridge") ? "default" : network;
    return endpoints.object(key);
  }

  private static List<String> dnsNames(ContainerView view, EndpointView endpoint) {
    var names = new ArrayList<String>();
    names.add(view.name());
    endpoint.aliases().stream().filter(alias -> !names.contains(alias)).forEach(names::add);
    if (!names.contains(ContainerJson.shortId(view))) {
      names.add(ContainerJson.shortId(view));
    }
    return names;
  }

  private static Map<String, @Nullable Object> endpoint(
      String name,
      EndpointView endpoint,
      @Nullable List<String> aliases,
      @Nullable List<String> dnsNames) {
    return object(
        "IPAMConfig",
        null,
        "Links",
        null,
        "Aliases",
        aliases,
        "MacAddress",
        endpoint.mac(),
        "DriverOpts",
        null,
        "GwPriority",
        0,
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
        "",
        "GlobalIPv6Address",
        "",
        "GlobalIPv6PrefixLen",
        0,
        "DNSNames",
        dnsNames);
  }

  /** Exposed ports; none is published as long as there is no port mapper. */
  private static Map<String, @Nullable Object> ports(ContainerView view) {
    var ports = new TreeMap<String, @Nullable Object>();
    if (view.state().running()) {
      view.spec().process().exposedPorts().forEach(port -> ports.put(port, null));
    }
    return ports;
  }
}
