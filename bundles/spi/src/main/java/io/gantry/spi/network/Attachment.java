package io.gantry.spi.network;

import java.util.List;
import java.util.Map;

/**
 * The inside of an endpoint as data; the monitor applies it in the container's network namespace:
 * links first, then addresses, then routes. Of several endpoints with a default route in one
 * container the engine keeps that of one.
 *
 * @param endpoint id
 * @param links interfaces to be named and raised
 * @param addresses to set
 * @param routes to add, after the addresses
 * @param sysctls to write first of all: the links exist, but they are down; keys as sysctl(8) takes
 *     them, with a slash for a dot in an interface's name
 */
public record Attachment(
    String endpoint,
    List<Link> links,
    List<Address> addresses,
    List<Route> routes,
    Map<String, String> sysctls) {

  public Attachment {
    links = List.copyOf(links);
    addresses = List.copyOf(addresses);
    routes = List.copyOf(routes);
    sysctls = Map.copyOf(sysctls);
  }

  /** Nothing to do inside but what every namespace has: loopback. */
  public static Attachment none(String endpoint) {
    return new Attachment(endpoint, List.of(), List.of(), List.of(), Map.of());
  }

  /**
   * @param index interface index inside
   * @param name it gets ({@code eth0})
   * @param mtu bytes, 0 to leave it
   */
  public record Link(int index, String name, String mac, int mtu) {}

  /**
   * @param link index of the interface
   * @param cidr {@code 172.17.0.2/16}
   */
  public record Address(int link, String cidr) {}

  /**
   * @param destination CIDR, {@code default} for the default route
   * @param via gateway, or empty for a route on the link
   */
  public record Route(int link, String destination, String via) {}
}
