package io.gantry.engine.network;

import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.Pool;
import io.gantry.spi.network.Network;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * What is kept of a network for as long as it exists.
 *
 * @param ipam with the subnets and gateways that were chosen
 * @param chosen whether the engine chose the subnets: then nobody may choose addresses in them
 */
record NetworkRecord(
    String id,
    String name,
    String driver,
    Instant created,
    boolean ipv4,
    boolean ipv6,
    Ipam ipam,
    boolean chosen,
    boolean internal,
    boolean attachable,
    boolean ingress,
    boolean configOnly,
    String configFrom,
    Map<String, String> options,
    Map<String, String> labels) {

  NetworkRecord {
    options = Map.copyOf(options);
    labels = Map.copyOf(labels);
  }

  NetworkRecord with(Ipam other) {
    return new NetworkRecord(
        id,
        name,
        driver,
        created,
        ipv4,
        ipv6,
        other,
        chosen,
        internal,
        attachable,
        ingress,
        configOnly,
        configFrom,
        options,
        labels);
  }

  NetworkRecord withOptions(Map<String, String> other) {
    return new NetworkRecord(
        id,
        name,
        driver,
        created,
        ipv4,
        ipv6,
        ipam,
        chosen,
        internal,
        attachable,
        ingress,
        configOnly,
        configFrom,
        other,
        labels);
  }

  /** By what name of an auxiliary address dockerd's bridge driver knows another gateway. */
  static String otherGateway(boolean six) {
    return "DefaultGatewayIPv" + (six ? 6 : 4);
  }

  /** Where containers send what is for others: to the network's own address unless it says whom. */
  static String gateway(Pool pool) {
    return pool.auxiliary()
        .getOrDefault(otherGateway(Cidr.of(pool.subnet()).six()), pool.gateway());
  }

  Network network() {
    return network(List.of(), List.of());
  }

  /** As its driver knows it. */
  Network network(List<Network.Link> links, List<Network.Port> ports) {
    List<Network.Subnet> subnets =
        ipam.pools().stream()
            .map(pool -> new Network.Subnet(pool.subnet(), pool.gateway()))
            .toList();
    return new Network(id, name, subnets, internal, options, links, ports);
  }
}
