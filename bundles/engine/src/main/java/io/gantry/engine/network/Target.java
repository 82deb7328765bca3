package io.gantry.engine.network;

/**
 * Where ports of the host lead: the addresses of a run in one network, numeric.
 *
 * @param ipv4 empty when it has none
 * @param ipv6 empty when it has none
 * @param routed4 whether clients come to the IPv4 address itself, not to ports of the host
 * @param routed6 the same of IPv6
 */
public record Target(String ipv4, String ipv6, boolean routed4, boolean routed6) {

  public static Target of(Placed place) {
    return of(place, false, false);
  }

  public static Target of(Placed place, boolean routed4, boolean routed6) {
    return new Target(
        Placed.plain(place.address()), Placed.plain(place.address6()), routed4, routed6);
  }

  /** Whether clients of what would be published on an address of the host come to its own. */
  boolean isRouted(String hostAddress) {
    return hostAddress.indexOf(':') < 0 ? routed4 && !ipv4.isEmpty() : routed6 && !ipv6.isEmpty();
  }

  /** The address that is led to from one of the host; of the other family by the proxy alone. */
  String behind(String hostAddress) {
    boolean six = hostAddress.indexOf(':') >= 0;
    return ipv6.isEmpty() || (!six && !ipv4.isEmpty()) ? ipv4 : ipv6;
  }

  public boolean isOf(Published port) {
    return !port.address().isEmpty()
        && (port.address().equals(ipv4) || port.address().equals(ipv6));
  }
}
