package io.gantry.network.bridge;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.util.stream.Collectors.toMap;

import io.gantry.linux.netlink.Cidr;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.Network.Subnet;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A network and the bridge it has on this host.
 *
 * @param index of the bridge
 * @param hairpin whether its ports send back what they receive: where the kernel filters inside
 *     bridges, a container gets to its own published port only so
 * @param quiet whether interfaces in it have IPv6, and can be kept from addresses of their own
 *     making
 */
record Bridged(
    Network network,
    BridgeOptions options,
    List<Cidr> subnets,
    String bridge,
    int index,
    boolean hairpin,
    boolean quiet) {

  private static final int SMALLEST_MTU_OF_IPV6 = 1280;

  Bridged {
    subnets = List.copyOf(subnets);
  }

  /** With its options and subnets read, without a bridge yet. */
  static Bridged read(Network network) {
    var options = BridgeOptions.of(network);
    var subnets = new ArrayList<Cidr>();
    for (Subnet subnet : network.subnets()) {
      Cidr cidr = Cidr.parse(subnet.cidr()).network();
      if (!subnet.gateway().isEmpty() && !cidr.contains(Cidr.address(subnet.gateway()))) {
        throw new GantryException(
            INVALID, "the gateway " + subnet.gateway() + " is not in the subnet " + cidr);
      }
      if (cidr.isIpv6() && cidr.address().isMulticastAddress()) { // of IPv4 the kernel takes them
        throw new GantryException(
            INVALID, "multicast subnet '" + subnet.cidr() + "' is not allowed");
      }
      subnets.add(cidr);
    }
    boolean small = options.mtu() > 0 && options.mtu() < SMALLEST_MTU_OF_IPV6;
    if (small && subnets.stream().anyMatch(Cidr::isIpv6)) {
      throw new GantryException(
          INVALID, "IPv6 needs an MTU of at least 1280, not " + options.mtu());
    }
    return new Bridged(network, options, subnets, options.bridge(), 0, false, false);
  }

  Bridged on(String name, int at) {
    boolean large = options.mtu() == 0 || options.mtu() >= SMALLEST_MTU_OF_IPV6;
    boolean ipv6 = large && Forwarding.hasIpv6();
    return new Bridged(network, options, subnets, name, at, Forwarding.filtersInBridges(), ipv6);
  }

  /** With what else may have changed of the network. */
  Bridged with(Network changed) {
    return new Bridged(changed, options, subnets, bridge, index, hairpin, quiet);
  }

  /** What passes between its containers, which are kept apart; nothing where they are not. */
  List<Network.Link> links() {
    return options.icc() ? List.of() : network.links();
  }

  /** What is published of its containers where clients come to addresses of theirs. */
  List<Network.Port> ports() {
    boolean any =
        options.ipv4() == GatewayMode.ROUTED
            || options.ipv6() == GatewayMode.ROUTED
            || !trusted().isEmpty();
    return any ? network.ports() : List.of();
  }

  /** Interfaces from which they come there in any gateway mode. */
  List<String> trusted() {
    return network.internal() ? List.of() : options.trusted();
  }

  /**
   * Whether a packet that is translated to go to another container of it gets lost: the kernel, if
   * it filters inside bridges, hands it from port to port, and these are isolated.
   */
  boolean losesTranslated() {
    return !options.icc() && hairpin;
  }

  boolean has(boolean ipv6) {
    return subnets.stream().anyMatch(subnet -> subnet.isIpv6() == ipv6);
  }

  GatewayMode mode(boolean ipv6) {
    return ipv6 ? options.ipv6() : options.ipv4();
  }

  /** Whether packets of a family go further than this host. */
  boolean forwards(boolean ipv6) {
    return has(ipv6) && !network.internal();
  }

  /** The subnets whose containers go out under the host's address. */
  List<Cidr> masqueraded(boolean ipv6) {
    boolean any = options.masquerade() && mode(ipv6).masquerades() && forwards(ipv6);
    return any ? subnets(ipv6) : List.of();
  }

  /** What these go out under where the network says it. */
  Map<Cidr, InetAddress> sources(boolean ipv6) {
    var source = ipv6 ? options.source6() : options.source();
    return source == null
        ? Map.of()
        : masqueraded(ipv6).stream().collect(toMap(subnet -> subnet, subnet -> source));
  }

  List<Cidr> subnets(boolean ipv6) {
    return subnets.stream().filter(subnet -> subnet.isIpv6() == ipv6).toList();
  }

  /** The addresses of the host in it. */
  List<Cidr> gateways() {
    var all = new ArrayList<Cidr>();
    for (Subnet subnet : network.subnets()) {
      Cidr cidr = Cidr.parse(subnet.cidr());
      boolean none =
          subnet.gateway().isEmpty()
              || mode(cidr.isIpv6()) == GatewayMode.ISOLATED
              || (options.inhibitIpv4() && !cidr.isIpv6());
      if (!none) {
        all.add(new Cidr(Cidr.address(subnet.gateway()), cidr.prefix()));
      }
    }
    return all;
  }

  /** Where containers with an address of a subnet send what is for others. */
  Optional<String> gateway(InetAddress address) {
    return network.subnets().stream()
        .filter(subnet -> Cidr.parse(subnet.cidr()).contains(address))
        .map(Subnet::gateway)
        .filter(gateway -> !gateway.isEmpty())
        .findFirst();
  }
}
