package io.gantry.linux.netlink;

import java.net.Inet4Address;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * What is to be done to links inside a container's network namespace, as one text for op NETLINK:
 * the words of an attachment in, bytes out, no call to the kernel. In the order of the calls; links
 * are named by the index they have inside.
 */
public final class InsideMessages {
  private static final String DEFAULT = "default";
  private static final int LOOPBACK = 1;
  private static final Cidr ALL_IPV4 = Cidr.parse("0.0.0.0/0");
  private static final Cidr ALL_IPV6 = Cidr.parse("::/0");

  private final RouteMessages messages = new RouteMessages();
  private boolean empty = true;

  /** Raises the loopback interface. */
  public InsideMessages loopback() {
    next().change(LOOPBACK).up();
    return this;
  }

  /**
   * Sets an interface up and raises it. It must be down still where its name or its address
   * changes.
   *
   * @param name that it gets; empty: it keeps its own
   * @param mac that it gets; empty: it keeps its own
   * @param mtu 0: it keeps its own
   */
  public InsideMessages link(int index, String name, String mac, int mtu) {
    var link = next().change(index);
    if (!name.isEmpty()) {
      link.name(name);
    }
    if (!mac.isEmpty()) {
      link.mac(mac);
    }
    if (mtu > 0) {
      link.mtu(mtu);
    }
    link.up();
    return this;
  }

  /** Takes an interface away, and with it the other end, its addresses and routes. */
  public InsideMessages deleteLink(int index) {
    next().deleteLink(index);
    return this;
  }

  /**
   * @param cidr {@code 172.17.0.2/16}
   */
  public InsideMessages address(int link, String cidr) {
    next().addAddress(link, Cidr.parse(cidr));
    return this;
  }

  public InsideMessages deleteAddress(int link, String cidr) {
    next().deleteAddress(link, Cidr.parse(cidr));
    return this;
  }

  /**
   * Adds a route, or puts it in the place of one to the same destination.
   *
   * @param destination {@code 10.0.0.0/8}, or {@code default}
   * @param via gateway; empty: on the link, and then {@code default} is that of IPv4
   */
  public InsideMessages route(int link, String destination, String via) {
    var gateway = gateway(via);
    next().addRoute(link, destination(destination, gateway), gateway);
    return this;
  }

  public InsideMessages deleteRoute(int link, String destination, String via) {
    var gateway = gateway(via);
    next().deleteRoute(link, destination(destination, gateway), gateway);
    return this;
  }

  private RouteMessages next() {
    empty = false;
    return messages;
  }

  private static @Nullable InetAddress gateway(String via) {
    return via.isEmpty() ? null : Cidr.address(via);
  }

  private static Cidr destination(String text, @Nullable InetAddress via) {
    if (text.equals(DEFAULT)) {
      return via == null || via instanceof Inet4Address ? ALL_IPV4 : ALL_IPV6;
    }
    return Cidr.parse(text).network();
  }

  /** Nothing to be done. */
  public boolean isEmpty() {
    return empty;
  }

  RouteMessages messages() {
    return messages;
  }

  /** For op NETLINK; the last message asks for an acknowledgement, so that it is waited for. */
  public byte[] bytes() {
    return messages.bytes();
  }
}
