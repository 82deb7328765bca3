package io.gantry.network.macvlan;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.linux.netlink.Cidr;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.Network.Subnet;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A network and the parent it has on this host.
 *
 * @param parent index of the interface
 */
record Parented(Network network, VlanOptions options, List<Cidr> subnets, int parent) {

  Parented {
    subnets = List.copyOf(subnets);
  }

  /** With its options and subnets read, without a parent yet. */
  static Parented read(LinkKind kind, Network network) {
    var options = VlanOptions.of(kind, network);
    var subnets = new ArrayList<Cidr>();
    for (Subnet subnet : network.subnets()) {
      Cidr cidr = Cidr.parse(subnet.cidr()).network();
      if (!subnet.gateway().isEmpty() && !cidr.contains(Cidr.address(subnet.gateway()))) {
        throw new GantryException(
            INVALID, "the gateway " + subnet.gateway() + " is not in the subnet " + cidr);
      }
      subnets.add(cidr);
    }
    return new Parented(network, options, subnets, 0);
  }

  Parented on(int link) {
    return new Parented(network, options, subnets, link);
  }

  /** Whether its containers reach more than each other. */
  boolean leadsOut() {
    return !network.internal() && !options.parent().isEmpty();
  }

  /** Whom containers with an address send what is for others; it is none of the host's. */
  Optional<String> gateway(Cidr address) {
    return network.subnets().stream()
        .filter(subnet -> Cidr.parse(subnet.cidr()).contains(address.address()))
        .map(Subnet::gateway)
        .filter(gateway -> !gateway.isEmpty())
        .findFirst();
  }
}
