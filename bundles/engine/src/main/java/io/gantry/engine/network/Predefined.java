package io.gantry.engine.network;

import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.Pool;
import io.gantry.store.Digest;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The networks that are always there; their ids are the same for one data root for ever. */
final class Predefined {
  static final String BRIDGE = "bridge";
  private static final String OPTION = "com.docker.network.bridge.";

  private Predefined() {}

  static String id(String instance, String name) {
    return Digest.sha256((instance + "/" + name).getBytes(StandardCharsets.UTF_8)).hex();
  }

  static NetworkRecord plain(String instance, String name, Instant created) {
    return new NetworkRecord(
        id(instance, name),
        name,
        NetworkKeeper.BUILTIN,
        created,
        true,
        false,
        new Ipam("default", null, List.of()),
        true,
        false,
        false,
        false,
        false,
        "",
        Map.of(),
        Map.of());
  }

  /** What is configured for the default network, without the subnets that nobody named. */
  static NetworkRecord bridge(
      String instance, String driver, NetworkSettings settings, Instant created) {
    var pools = new ArrayList<Pool>();
    pool(pools, settings.bip(), settings.fixedCidr(), settings.gateway());
    if (settings.ipv6()) {
      pool(pools, settings.bip6(), settings.fixedCidr6(), settings.gateway6());
    }
    var options = new HashMap<String, String>();
    options.put(OPTION + "default_bridge", "true");
    options.put(OPTION + "enable_icc", Boolean.toString(settings.icc()));
    options.put(OPTION + "enable_ip_masquerade", Boolean.toString(settings.masquerade()));
    options.put(
        OPTION + "host_binding_ipv4",
        settings.binding().isEmpty() ? "0.0.0.0" : settings.binding());
    options.put(
        "com.docker.network.driver.mtu",
        Integer.toString(settings.mtu() == 0 ? 1500 : settings.mtu()));
    if (!settings.bridge().isEmpty()) {
      options.put(OPTION + "name", settings.bridge());
    }
    return new NetworkRecord(
        id(instance, BRIDGE),
        BRIDGE,
        driver,
        created,
        true,
        settings.ipv6(),
        new Ipam("default", null, pools),
        true,
        false,
        false,
        false,
        false,
        "",
        options,
        Map.of());
  }

  /** The bridge's own address is in its subnet: the gateway, unless another one is configured. */
  private static void pool(List<Pool> pools, String bip, String fixed, String gateway) {
    Cidr own = Cidr.parse(bip);
    Cidr range = Cidr.parse(fixed);
    Cidr whole = own == null ? range : own;
    if (whole == null) {
      return;
    }
    Cidr subnet = whole.masked();
    var auxiliary = new HashMap<String, String>();
    String way = (own == null ? subnet.first().plus(1) : own.address()).toString();
    if (!gateway.isEmpty() && !gateway.equals(way)) {
      auxiliary.put(NetworkRecord.otherGateway(subnet.six()), gateway);
    }
    pools.add(
        new Pool(
            subnet.toString(),
            range == null || range.masked().equals(subnet) ? "" : range.masked().toString(),
            way,
            auxiliary));
  }
}
