package io.gantry.engine.network;

import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.Pool;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What can be told of a network whose record is damaged from who is in it: its subnets, its gateway
 * and whether anything leads out. Of its options nothing is known.
 */
final class Remains {

  private Remains() {}

  static NetworkRecord of(Placed place, Instant now) {
    boolean leadsOut =
        place.madeOrNone().routes().stream().anyMatch(way -> way.destination().equals("default"));
    return new NetworkRecord(
        place.network(),
        place.name(),
        place.driver(),
        now,
        !place.address().isEmpty(),
        !place.address6().isEmpty(),
        new Ipam("default", null, pools(place)),
        true,
        !leadsOut,
        false,
        false,
        false,
        "",
        Map.of(),
        Map.of());
  }

  /** The default network, as it is configured; where the subnet is not, as it was. */
  static NetworkRecord of(Placed place, NetworkRecord configured) {
    return configured.ipam().pools().isEmpty()
        ? configured.with(new Ipam("default", null, pools(place)))
        : configured;
  }

  private static List<Pool> pools(Placed place) {
    var pools = new ArrayList<Pool>();
    add(pools, place.address(), place.gateway());
    add(pools, place.address6(), place.gateway6());
    return pools;
  }

  private static void add(List<Pool> pools, String cidr, String gateway) {
    if (!cidr.isEmpty()) {
      pools.add(pool(Cidr.of(cidr).masked(), gateway));
    }
  }

  /**
   * Containers may have been sent to another gateway than the host, which has its address still.
   */
  private static Pool pool(Cidr subnet, String gateway) {
    String own = HostBridge.addressIn(subnet);
    return own.isEmpty() || own.equals(gateway)
        ? new Pool(subnet.toString(), "", gateway, Map.of())
        : new Pool(
            subnet.toString(), "", own, Map.of(NetworkRecord.otherGateway(subnet.six()), gateway));
  }
}
