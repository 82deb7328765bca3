package io.gantry.engine.network;

import static java.lang.System.Logger.Level.WARNING;

import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.List;
import java.util.function.Function;

/**
 * A bridge that an administrator has made and named for the default network: its addresses say
 * which subnet that is, as dockerd has it.
 */
final class HostBridge {
  private static final System.Logger log = System.getLogger("io.gantry.engine.network");

  private HostBridge() {}

  /** With what is not configured, but can be read from a bridge that is there. */
  static NetworkSettings settled(NetworkSettings asked) {
    return settled(asked, HostBridge::addresses);
  }

  static NetworkSettings settled(NetworkSettings asked, Function<String, List<Cidr>> addresses) {
    if (asked.bridge().isEmpty() || asked.bridge().equals("none")) {
      return asked;
    }
    var its = addresses.apply(asked.bridge());
    return asked.on(
        asked.bip().isEmpty() ? own(its, false, asked.fixedCidr()) : asked.bip(),
        asked.bip6().isEmpty() ? own(its, true, asked.fixedCidr6()) : asked.bip6());
  }

  /** The first of a family, of several that whose subnet has the part for containers. */
  private static String own(List<Cidr> addresses, boolean six, String fixed) {
    Cidr part = Cidr.parse(fixed);
    var its = addresses.stream().filter(address -> address.six() == six).toList();
    return its.stream()
        .filter(address -> part != null && address.contains(part))
        .findFirst()
        .or(() -> its.stream().findFirst())
        .map(Cidr::toString)
        .orElse("");
  }

  /** Those that others than its neighbours may know; none when there is no such interface. */
  static List<Cidr> addresses(String device) {
    try {
      var found = NetworkInterface.getByName(device);
      return found == null
          ? List.of()
          : found.getInterfaceAddresses().stream()
              .filter(address -> !address.getAddress().isLinkLocalAddress())
              .map(HostBridge::cidr)
              .toList();
    } catch (SocketException e) {
      log.log(WARNING, "the addresses of {0} cannot be read: {1}", device, e.getMessage());
      return List.of();
    }
  }

  /** The host's own address in a subnet; empty where it has none. */
  static String addressIn(Cidr subnet) {
    try (var all = NetworkInterface.networkInterfaces()) {
      return all.flatMap(one -> one.getInterfaceAddresses().stream())
          .map(HostBridge::cidr)
          .filter(own -> own.masked().equals(subnet))
          .map(own -> own.address().toString())
          .findFirst()
          .orElse("");
    } catch (SocketException e) {
      log.log(WARNING, "the addresses of the host cannot be read: {0}", e.getMessage());
      return "";
    }
  }

  private static Cidr cidr(InterfaceAddress address) {
    var ip = address.getAddress();
    return new Cidr(
        new Ip(ip instanceof Inet6Address, new BigInteger(1, ip.getAddress())),
        address.getNetworkPrefixLength());
  }
}
