package io.gantry.portmap.nat;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.linux.netlink.Cidr;
import io.gantry.linux.netlink.NftValues;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.PortMapping;
import java.net.InetAddress;

/**
 * A port of the host: what packets for it have in common.
 *
 * @param protocol its number
 * @param address of the host; any of them when it is 0.0.0.0 or ::
 */
record Port(int protocol, InetAddress address, int number) {
  private static final int LARGEST = 65535;
  private static final int TCP = 6;
  static final int UDP = 17;
  private static final int SCTP = 132;

  /** Where packets for a port go. */
  record Target(InetAddress address, int port) {

    NftValues values() {
      return new NftValues().address(address).port(port);
    }
  }

  static Port of(PortMapping mapping) {
    int protocol =
        switch (mapping.protocol()) {
          case "tcp" -> TCP;
          case "udp" -> UDP;
          case "sctp" -> SCTP;
          default ->
              throw new GantryException(UNSUPPORTED, "no such protocol: " + mapping.protocol());
        };
    requirePort(mapping.hostPort());
    return new Port(protocol, Cidr.address(mapping.hostAddress()), mapping.hostPort());
  }

  static Target target(PortMapping mapping) {
    requirePort(mapping.port());
    return new Target(Cidr.address(mapping.address()), mapping.port());
  }

  private static void requirePort(int number) {
    if (number < 1 || number > LARGEST) {
      throw new GantryException(INVALID, "not a port: " + number);
    }
  }

  /** Whether the proxy can serve it: it knows no SCTP. */
  boolean isProxied() {
    return protocol != SCTP;
  }

  boolean isIpv6() {
    return address.getAddress().length > 4;
  }

  boolean isAny() {
    return address.isAnyLocalAddress();
  }

  /**
   * Whether the kernel can lead packets for it there: those for the loopback interface never leave
   * it, and none changes its family. The proxy serves these alone.
   */
  boolean leadsTo(Target target) {
    return !address.isLoopbackAddress()
        && target.address().getAddress().length == address.getAddress().length;
  }

  /** The map that it is in. */
  String map() {
    return (isAny() ? "any" : "bound") + (isIpv6() ? "6" : "4");
  }

  NftValues key() {
    var key = new NftValues();
    if (!isAny()) {
      key.address(address);
    }
    return key.protocol(protocol).port(number);
  }
}
