package io.gantry.engine.network;

/**
 * Where ports of the host lead: the addresses of a run in one network, numeric.
 *
 * @param ipv4 empty when it has none
 * @param ipv6 empty when it has none
 */
public record Target(String ipv4, String ipv6) {

  public static Target of(Placed place) {
    return new Target(Placed.plain(place.address()), Placed.plain(place.address6()));
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
