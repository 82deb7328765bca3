package io.gantry.linux.netlink;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Messages about links, addresses and routes (rtnetlink(7)), in the order they shall be carried
 * out. They can be sent by a {@link RouteSocket}, or as {@link #bytes} by somebody in another
 * network namespace.
 */
public final class RouteMessages {

  /** Kinds of links that are made here. */
  enum Kind {
    BRIDGE,
    VETH,
    VLAN,
    MACVLAN,
    IPVLAN;

    String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static final int NEW_NAMESPACE_ID = 88;
  static final int GET_NAMESPACE_ID = 90;
  static final int NAMESPACE_ID = 1;
  private static final int NAMESPACE_PID = 2;
  static final int NEW_LINK = 16;
  static final int DELETE_LINK = 17;
  static final int GET_LINK = 18;
  static final int NEW_ADDRESS = 20;
  static final int DELETE_ADDRESS = 21;
  static final int GET_ADDRESS = 22;
  static final int NEW_ROUTE = 24;
  static final int DELETE_ROUTE = 25;
  static final int GET_ROUTE = 26;

  static final int INET = 2;
  static final int INET6 = 10;
  static final int LINK_NAME = 3;
  static final int LINK_NAMESPACE = 46;
  static final int ADDRESS_PEER = 1;
  static final int ADDRESS_LOCAL = 2;
  private static final int ADDRESS_BROADCAST = 4;
  private static final int ADDRESS_FLAGS = 8;
  private static final int NO_DUPLICATE_DETECTION = 2;
  private static final int SHORTEST_WITH_BROADCAST = 30;

  static final int ROUTE_TO = 1;
  static final int ROUTE_LINK = 4;
  static final int ROUTE_VIA = 5;
  static final int MAIN_TABLE = 254;
  private static final int BY_ADMINISTRATOR = 4;
  private static final int UNICAST = 1;
  private static final int SCOPE_LINK = 253;
  private static final int SCOPE_NOWHERE = 255;

  private final MessageWriter writer = new MessageWriter();

  MessageWriter writer() {
    return writer;
  }

  /** As they are sent; the last one asks for an acknowledgement. */
  public byte[] bytes() {
    return writer.bytes();
  }

  // Links

  static void head(MessageWriter writer, int index) {
    writer.u8(0).u8(0).u16(0).u32(index).u32(0).u32(0);
  }

  /** Makes a bridge. */
  public LinkMessage bridge(String name) {
    begin(NEW_LINK, MessageWriter.CREATE | MessageWriter.EXCLUSIVE, "make the bridge " + name);
    head(writer, 0);
    return new LinkMessage(writer).name(name).made(Kind.BRIDGE);
  }

  /**
   * Makes a pair of links, one of which is here and is what is added speaks of.
   *
   * @param index that it gets, which none here has; 0: any
   * @param mtu of both, 0: the default
   */
  public LinkMessage pair(String name, int index, int mtu, Peer peer) {
    begin(NEW_LINK, MessageWriter.CREATE | MessageWriter.EXCLUSIVE, "make the link " + name);
    head(writer, index);
    var link = new LinkMessage(writer).name(name).peer(peer, mtu);
    return mtu > 0 ? link.mtu(mtu) : link;
  }

  /**
   * The other end of a pair.
   *
   * @param pid of the process in whose network namespace it is; 0: here
   * @param index that it gets there; 0: any. The kernel looks at it only where the first end is
   *     given one, too (drivers/net/veth.c)
   * @param mac its address; empty: any
   */
  public record Peer(long pid, int index, String name, String mac) {}

  /** How macvlan links of one parent deal with each other, by the kernel's numbers. */
  public enum MacvlanMode {
    PRIVATE(1),
    VEPA(2),
    BRIDGE(4),
    PASSTHRU(8);

    private final int number;

    MacvlanMode(int number) {
      this.number = number;
    }
  }

  /** Which layer ipvlan links of one parent are told apart in. */
  public enum IpvlanMode {
    L2,
    L3,
    L3S
  }

  /** How they deal with each other. */
  public enum IpvlanFlag {
    BRIDGE,
    PRIVATE,
    VEPA
  }

  /**
   * Makes a link with a hardware address of its own on the interface of another one.
   *
   * @param index that it gets, which none here has
   */
  public LinkMessage macvlan(String name, int index, int parent, MacvlanMode mode) {
    begin(NEW_LINK, MessageWriter.CREATE | MessageWriter.EXCLUSIVE, "make the link " + name);
    head(writer, index);
    return new LinkMessage(writer)
        .name(name)
        .child(Kind.MACVLAN, parent, data -> data.attribute32(1, mode.number));
  }

  /** Makes a link that shares interface and hardware address of another one. */
  public LinkMessage ipvlan(String name, int index, int parent, IpvlanMode mode, IpvlanFlag flag) {
    begin(NEW_LINK, MessageWriter.CREATE | MessageWriter.EXCLUSIVE, "make the link " + name);
    head(writer, index);
    return new LinkMessage(writer)
        .name(name)
        .child(
            Kind.IPVLAN,
            parent,
            data -> data.attribute16(1, mode.ordinal()).attribute16(2, flag.ordinal()));
  }

  /** Makes a link to a VLAN (802.1Q) of the network that another one is on. */
  public LinkMessage vlan(String name, int parent, int id) {
    begin(NEW_LINK, MessageWriter.CREATE | MessageWriter.EXCLUSIVE, "make the link " + name);
    head(writer, 0);
    return new LinkMessage(writer)
        .name(name)
        .child(Kind.VLAN, parent, data -> data.attribute16(1, id));
  }

  /** Changes a link. */
  public LinkMessage change(int index) {
    begin(NEW_LINK, 0, "change the link " + index);
    head(writer, index);
    return new LinkMessage(writer);
  }

  /** Changes a link, which may be one that an earlier message makes. */
  public LinkMessage change(String name) {
    begin(NEW_LINK, 0, "change the link " + name);
    head(writer, 0);
    return new LinkMessage(writer).name(name);
  }

  /** Takes a link away, of a pair both. The kernel waits for all processors meanwhile. */
  public RouteMessages deleteLink(int index) {
    begin(DELETE_LINK, 0, "delete the link " + index);
    head(writer, index);
    return this;
  }

  /**
   * Takes a link away that is in another network namespace.
   *
   * @param namespace number of it, as {@link RouteSocket#namespaces} counts
   */
  public RouteMessages deleteLink(int index, int namespace) {
    deleteLink(index);
    writer.attribute32(LINK_NAMESPACE, namespace);
    return this;
  }

  /**
   * Gives the network namespace of a process a number here, by which its links can be asked for; it
   * lasts as long as that. It fails with EEXIST where there is one already.
   */
  public RouteMessages number(long pid) {
    begin(NEW_NAMESPACE_ID, 0, "number the network namespace of " + pid);
    writer.u32(0).attribute32(NAMESPACE_ID, -1).attribute32(NAMESPACE_PID, pid);
    return this;
  }

  // Addresses

  /** Gives a link an address, at once usable. */
  public RouteMessages addAddress(int link, Cidr address) {
    begin(
        NEW_ADDRESS,
        MessageWriter.CREATE | MessageWriter.REPLACE,
        "add the address " + address + " to the link " + link);
    addressHead(link, address);
    if (address.isIpv6()) {
      writer.attribute32(ADDRESS_FLAGS, NO_DUPLICATE_DETECTION);
    } else if (address.prefix() <= SHORTEST_WITH_BROADCAST) {
      writer.attribute(ADDRESS_BROADCAST, address.last().getAddress());
    }
    return this;
  }

  public RouteMessages deleteAddress(int link, Cidr address) {
    begin(DELETE_ADDRESS, 0, "delete the address " + address + " of the link " + link);
    addressHead(link, address);
    return this;
  }

  private void addressHead(int link, Cidr address) {
    writer.u8(family(address.address())).u8(address.prefix()).u8(0).u8(0).u32(link);
    writer.attribute(ADDRESS_LOCAL, address.address().getAddress());
    writer.attribute(ADDRESS_PEER, address.address().getAddress());
  }

  // Routes

  /**
   * Adds a route, or puts another one for the same destination in its place.
   *
   * @param to all bits after the prefix are 0; a prefix of 0 is the default route
   * @param via null: on the link
   */
  public RouteMessages addRoute(int link, Cidr to, @Nullable InetAddress via) {
    begin(
        NEW_ROUTE,
        MessageWriter.CREATE | MessageWriter.REPLACE,
        "add the route to " + to + (via == null ? "" : " via " + via.getHostAddress()));
    int scope = via == null && !to.isIpv6() ? SCOPE_LINK : 0;
    route(link, to, via, BY_ADMINISTRATOR, scope, UNICAST);
    return this;
  }

  /**
   * @param link 0: whichever it is on
   * @param via null: whatever it goes by
   */
  public RouteMessages deleteRoute(int link, Cidr to, @Nullable InetAddress via) {
    begin(DELETE_ROUTE, 0, "delete the route to " + to);
    route(link, to, via, 0, SCOPE_NOWHERE, 0);
    return this;
  }

  private void route(
      int link, Cidr to, @Nullable InetAddress via, int protocol, int scope, int type) {
    writer.u8(family(to.address())).u8(to.prefix()).u8(0).u8(0);
    writer.u8(MAIN_TABLE).u8(protocol).u8(scope).u8(type).u32(0);
    if (to.prefix() > 0) {
      writer.attribute(ROUTE_TO, to.address().getAddress());
    }
    if (link > 0) {
      writer.attribute32(ROUTE_LINK, link);
    }
    if (via != null) {
      writer.attribute(ROUTE_VIA, via.getAddress());
    }
  }

  static int family(InetAddress address) {
    return address instanceof Inet4Address ? INET : INET6;
  }

  private void begin(int type, int flags, String name) {
    writer.begin(type, flags, name);
  }
}
