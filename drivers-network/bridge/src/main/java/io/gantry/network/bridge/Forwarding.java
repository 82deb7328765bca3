package io.gantry.network.bridge;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Settings of the kernel in {@code /proc/sys/net}, of the network namespace of the thread. */
final class Forwarding {
  private static final Path NET = Path.of("/proc/sys/net");
  private static final String IPV4 = "ipv4/ip_forward";
  private static final String IPV6 = "ipv6/conf/all/forwarding";
  private static final String IN_BRIDGES = "bridge/bridge-nf-call-iptables";
  private static final String IPV6_LATER = "ipv6/conf/default/forwarding";

  private Forwarding() {}

  /** False, too, where the kernel lacks the family. */
  static boolean isOn(boolean ipv6) {
    try {
      return Files.readString(NET.resolve(ipv6 ? IPV6 : IPV4), US_ASCII).strip().equals("1");
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether interfaces of this host have IPv6 at all. */
  static boolean hasIpv6() {
    return Files.exists(NET.resolve("ipv6/conf/default"));
  }

  /** Whether packets from port to port of a bridge pass the rules for IP, too (br_netfilter). */
  static boolean filtersInBridges() {
    try {
      return Files.readString(NET.resolve(IN_BRIDGES), US_ASCII).strip().equals("1");
    } catch (IOException e) {
      return false; // the module is not there
    }
  }

  /**
   * @throws GantryException where it may not be
   */
  static void switchOn(boolean ipv6) {
    if (ipv6) {
      write(IPV6_LATER, "1");
    }
    write(ipv6 ? IPV6 : IPV4, "1");
  }

  /**
   * Prepares a bridge for what it may and may not take over from its ports. Routers that containers
   * pretend to be are nobody's to believe (CVE-2020-13401).
   */
  static void tame(String bridge, boolean ipv6) {
    String settings = "ipv6/conf/" + bridge + "/";
    if (Files.exists(NET.resolve(settings))) {
      write(settings + "accept_ra", "0");
      if (ipv6) {
        write(settings + "disable_ipv6", "0");
      }
    }
  }

  /**
   * Addresses of a bridge of one's own are nobody else's: the kernel need not ask for a second or
   * two whether they are (RFC 4862, 5.4), while it looks for no neighbour to forward IPv6 to.
   */
  static void useAtOnce(String bridge) {
    String setting = "ipv6/conf/" + bridge + "/accept_dad";
    if (Files.exists(NET.resolve(setting))) {
      write(setting, "0");
    }
  }

  /**
   * Whether the host answers to ARP for all that is in a bridge (RFC 3069): so what its isolated
   * ports send to each other comes by the host, where rules say what passes.
   */
  static void relay(String bridge, boolean wanted) {
    String setting = "ipv4/conf/" + bridge + "/proxy_arp_pvlan";
    try {
      if (Files.readString(NET.resolve(setting), US_ASCII).strip().equals("1") == wanted) {
        return;
      }
    } catch (IOException e) {
      if (!wanted) {
        return; // there is no bridge, or no IPv4, to relay in
      }
    }
    write(setting, wanted ? "1" : "0");
    if (wanted) {
      write("ipv4/neigh/" + bridge + "/proxy_delay", "0"); // it would wait for up to 0.8 s
    }
  }

  private static void write(String setting, String value) {
    try {
      Files.writeString(NET.resolve(setting), value);
    } catch (NoSuchFileException e) {
      throw new GantryException(Kind.UNSUPPORTED, "this kernel has no setting net/" + setting, e);
    } catch (IOException e) {
      throw new GantryException(
          Kind.INTERNAL, "cannot set net/" + setting + ": " + e.getMessage(), e);
    }
  }
}
