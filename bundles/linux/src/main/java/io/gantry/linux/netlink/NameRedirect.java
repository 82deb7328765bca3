package io.gantry.linux.netlink;

import static io.gantry.linux.netlink.NftSet.Type.IPV4;
import static io.gantry.linux.netlink.NftSet.Type.PORT;
import static io.gantry.linux.netlink.NftSet.Type.PROTOCOL;

import io.gantry.linux.netlink.NftBatch.Family;
import io.gantry.linux.netlink.NftBatch.Hook;
import io.gantry.linux.netlink.NftBatch.Policy;
import io.gantry.linux.netlink.NftRule.Field;
import java.net.Inet4Address;
import java.util.List;

/**
 * Rules for the inside of a container that has a name server of its own: its look-ups, which go to
 * port 53 of the engine's resolver, reach that one at another port, so that nobody has taken port
 * 53 when the container's server binds it on all addresses.
 */
public final class NameRedirect {

  private static final int NAT_PRIORITY = -100;
  private static final int NAMES = 53;
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final String PORTS = "ports";
  private static final String CHAIN = "output";

  private NameRedirect() {}

  /**
   * A batch for op NETFILTER of a program, or of a visit.
   *
   * @param resolver address that is asked, and where the resolver listens
   * @param port it listens on there
   */
  public static byte[] to(Inet4Address resolver, int port) {
    var rule =
        new NftRule("")
            .load(Field.IPV4_DESTINATION)
            .load(Field.PROTOCOL)
            .load(Field.DESTINATION_PORT)
            .destinationBy(PORTS, false);
    return new NftBatch(Family.IPV4, "gantry-names")
        .table()
        .set(NftSet.map(PORTS, List.of(IPV4, PROTOCOL, PORT), IPV4, PORT))
        .addEntries(PORTS, List.of(entry(resolver, UDP, port), entry(resolver, TCP, port)))
        .chain(CHAIN, "nat", Hook.OUTPUT, NAT_PRIORITY, Policy.ACCEPT)
        .rule(CHAIN, rule)
        .ended()
        .bytes();
  }

  private static NftBatch.Entry entry(Inet4Address resolver, int protocol, int port) {
    return new NftBatch.Entry(
        new NftValues().address(resolver).protocol(protocol).port(NAMES),
        new NftValues().address(resolver).port(port));
  }
}
