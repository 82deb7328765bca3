package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.Member;
import io.gantry.api.Networks.NetworkSpec;
import io.gantry.api.Networks.NetworkView;
import io.gantry.api.Networks.Pool;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.rest.json.JsonText;
import io.gantry.spi.GantryException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A network as Docker's clients know it. */
public final class NetworkJson {

  private static final Set<String> YES = Set.of("1", "t", "T", "TRUE", "true", "True");
  private static final Set<String> NO = Set.of("0", "f", "F", "FALSE", "false", "False");

  private NetworkJson() {}

  /** Reads what {@code POST /networks/create} asks for. */
  public static NetworkSpec read(JsonObject body, ApiVersion version) {
    Boolean ipv4 = version.atLeast(48) ? body.flagOrNull("EnableIPv4") : null;
    Boolean ipv6 = body.flagOrNull("EnableIPv6");
    var options = body.textMap("Options");
    return new NetworkSpec(
        body.text("Name"),
        body.text("Driver"),
        ipv4 == null ? enabled(options, "com.docker.network.enable_ipv4", true) : ipv4,
        ipv6 == null ? enabled(options, "com.docker.network.enable_ipv6", false) : ipv6,
        ipam(body.object("IPAM")),
        body.flag("Internal"),
        body.flag("Attachable"),
        body.flag("Ingress"),
        body.flag("ConfigOnly"),
        body.object("ConfigFrom").text("Network"),
        options,
        body.textMap("Labels"));
  }

  /** What the driver's options say of a family that the request itself says nothing of. */
  private static boolean enabled(Map<String, String> options, String name, boolean otherwise) {
    String value = options.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!YES.contains(value) && !NO.contains(value)) {
      throw new GantryException(INVALID, "driver-opt \"" + name + "\" is not a valid bool");
    }
    return YES.contains(value);
  }

  private static Ipam ipam(JsonObject ipam) {
    return new Ipam(
        ipam.text("Driver"),
        MountRequests.mapOrNull(ipam, "Options"),
        ipam.objects("Config").stream()
            .map(
                pool ->
                    new Pool(
                        pool.text("Subnet"),
                        pool.text("IPRange"),
                        pool.text("Gateway"),
                        pool.textMap("AuxiliaryAddresses")))
            .toList());
  }

  /**
   * @param members containers are shown, which lists leave out
   */
  public static Map<String, @Nullable Object> of(NetworkView view, boolean members) {
    return object(
        "Name",
        view.name(),
        "Id",
        view.id(),
        "Created",
        GoTime.nano(view.created()),
        "Scope",
        "local",
        "Driver",
        DockerNames.networkDriver(view),
        "EnableIPv4",
        view.ipv4(),
        "EnableIPv6",
        view.ipv6(),
        "IPAM",
        ipam(view),
        "Internal",
        view.internal(),
        "Attachable",
        view.attachable(),
        "Ingress",
        view.ingress(),
        "ConfigFrom",
        object("Network", view.configFrom()),
        "ConfigOnly",
        view.configOnly(),
        "Containers",
        members ? containers(view) : Map.of(),
        "Options",
        JsonText.sorted(view.options()),
        "Labels",
        JsonText.sorted(view.labels()));
  }

  private static Map<String, @Nullable Object> ipam(NetworkView view) {
    var ipam = view.ipam();
    boolean none = view.predefined() && !view.name().equals("bridge");
    return object(
        "Driver",
        ipam.driver(),
        "Options",
        ipam.options() == null ? null : JsonText.sorted(ipam.options()),
        "Config",
        none ? null : ipam.pools().stream().map(NetworkJson::pool).toList());
  }

  private static Map<String, @Nullable Object> pool(Pool pool) {
    var json = object("Subnet", pool.subnet());
    if (!pool.range().isEmpty()) {
      json.put("IPRange", pool.range());
    }
    if (!pool.gateway().isEmpty()) {
      json.put("Gateway", pool.gateway());
    }
    if (!pool.auxiliary().isEmpty()) {
      json.put("AuxiliaryAddresses", JsonText.sorted(pool.auxiliary()));
    }
    return json;
  }

  private static Map<String, @Nullable Object> containers(NetworkView view) {
    var containers = new TreeMap<String, @Nullable Object>();
    for (Member member : view.endpoints().values()) {
      containers.put(
          member.container(),
          object(
              "Name", member.name(),
              "EndpointID", member.endpointId(),
              "MacAddress", member.mac(),
              "IPv4Address", member.address(),
              "IPv6Address", member.address6()));
    }
    return containers;
  }
}
