package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.EndpointView;
import io.gantry.api.Engine.EngineView;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The predefined networks. Until there is a bridge driver, {@code bridge}, which clients ask for by
 * default, is a private namespace with loopback only: it says so itself.
 */
public final class NetworkJson {

  public static final List<String> PREDEFINED = List.of("none", "host", "bridge");

  private static final String NO_BRIDGE =
      "there is no bridge driver yet: containers get a private network with loopback only";

  private NetworkJson() {}

  /** 64 hex, the same for one data root for ever. */
  public static String id(EngineView engine, String network) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest((engine.id() + "/" + network).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JRE has it
    }
  }

  /**
   * @param members containers to show; none in lists
   */
  public static Map<String, @Nullable Object> of(
      EngineView engine, String network, List<ContainerView> members) {
    boolean bridge = network.equals("bridge");
    return object(
        "Name",
        network,
        "Id",
        id(engine, network),
        "Created",
        GoTime.nano(engine.started()),
        "Scope",
        "local",
        "Driver",
        driver(network),
        "EnableIPv4",
        true,
        "EnableIPv6",
        false,
        "IPAM",
        object("Driver", "default", "Options", null, "Config", bridge ? List.of() : null),
        "Internal",
        bridge,
        "Attachable",
        false,
        "Ingress",
        false,
        "ConfigFrom",
        object("Network", ""),
        "ConfigOnly",
        false,
        "Containers",
        containers(network, members),
        "Options",
        bridge ? Map.of("io.gantry.network.note", NO_BRIDGE) : Map.of(),
        "Labels",
        Map.of());
  }

  public static String driver(String network) {
    return network.equals("bridge") ? "null" : DockerNames.networkDriver(network);
  }

  private static Map<String, @Nullable Object> containers(
      String network, List<ContainerView> members) {
    var containers = new TreeMap<String, @Nullable Object>();
    for (ContainerView member : members) {
      EndpointView endpoint = member.networks().get(network);
      if (endpoint != null && member.state().running()) {
        containers.put(
            member.id(),
            object(
                "Name", member.name(),
                "EndpointID", endpoint.endpointId(),
                "MacAddress", endpoint.mac(),
                "IPv4Address", address(endpoint),
                "IPv6Address", address6(endpoint)));
      }
    }
    return containers;
  }

  private static String address(EndpointView endpoint) {
    return endpoint.address().isEmpty() ? "" : endpoint.address() + "/" + endpoint.prefixLength();
  }

  private static String address6(EndpointView endpoint) {
    return endpoint.address6().isEmpty()
        ? ""
        : endpoint.address6() + "/" + endpoint.prefixLength6();
  }
}
