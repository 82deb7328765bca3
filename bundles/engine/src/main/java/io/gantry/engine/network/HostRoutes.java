package io.gantry.engine.network;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where the host gets to: subnets that a network must not have. */
final class HostRoutes {
  private static final int UP = 1;
  private static final int GATEWAY = 2;

  /** Shorter prefixes are ways to everywhere, as VPNs add them. */
  private static final int EVERYWHERE = 1;

  /**
   * @param onLink no gateway on the way
   */
  record Route(Cidr to, boolean onLink) {}

  private HostRoutes() {}

  /** Those of both families, without default routes and those of the loopback interface. */
  static List<Route> read(Path proc) {
    var routes = new ArrayList<Route>();
    for (String line : lines(proc.resolve("net/route"))) {
      add(routes, v4(line.strip().split("\\s+")));
    }
    for (String line : lines(proc.resolve("net/ipv6_route"))) {
      add(routes, v6(line.strip().split("\\s+")));
    }
    return routes;
  }

  private static void add(List<Route> routes, @Nullable Route route) {
    if (route != null && route.to.bits() > EVERYWHERE) {
      routes.add(route);
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) { // a kernel without the family
      return List.of();
    }
  }

  /** Iface Destination Gateway Flags RefCnt Use Metric Mask …, in the machine's byte order. */
  private static @Nullable Route v4(String[] words) {
    if (words.length < 8 || !words[1].matches("[0-9A-F]{8}")) {
      return null;
    }
    long destination = swapped(words[1]);
    long mask = swapped(words[7]);
    int flags = Integer.parseInt(words[3], 16);
    // A mask of nothing on a destination that is something: a route to that one host.
    int bits = mask == 0 && destination != 0 ? 32 : Long.bitCount(mask);
    return (flags & UP) == 0
        ? null
        : new Route(
            new Cidr(new Ip(false, BigInteger.valueOf(destination)), bits), (flags & GATEWAY) == 0);
  }

  private static long swapped(String hex) {
    return Integer.toUnsignedLong(Integer.reverseBytes((int) Long.parseLong(hex, 16)));
  }

  /** Destination bits source bits gateway metric references use flags interface. */
  private static @Nullable Route v6(String[] words) {
    if (words.length < 10 || words[9].equals("lo")) {
      return null;
    }
    var ip = new Ip(true, new BigInteger(words[0], 16));
    boolean special = words[0].startsWith("fe8") || words[0].startsWith("ff");
    return special
        ? null
        : new Route(new Cidr(ip, Integer.parseInt(words[1], 16)), words[4].matches("0+"));
  }
}
