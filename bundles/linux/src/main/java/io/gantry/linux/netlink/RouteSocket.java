package io.gantry.linux.netlink;

import io.gantry.linux.Errno;
import io.gantry.linux.NetlinkSocket;
import io.gantry.linux.SyscallError;
import io.gantry.linux.netlink.Exchange.Answer;
import io.gantry.spi.GantryException;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Links, addresses and routes of the network namespace it was opened in. For any thread. */
public final class RouteSocket implements AutoCloseable {

  /**
   * A network interface.
   *
   * @param kind {@code bridge}, {@code veth}, …, empty for none
   * @param alias the words that come with it
   * @param mac empty for none
   * @param master index of the bridge it is a port of, 0 for none
   * @param peer index of what it hangs on, in whichever namespace that is; 0 for nothing
   */
  public record Link(
      int index,
      String name,
      String kind,
      String alias,
      String mac,
      int mtu,
      boolean up,
      int master,
      int peer) {}

  /**
   * @param link index
   */
  public record Address(int link, Cidr cidr) {}

  /**
   * A route of the main table.
   *
   * @param to its prefix is 0 for the default route
   * @param via null on the link
   * @param link index, 0 for none or several
   */
  public record Route(Cidr to, @Nullable InetAddress via, int link) {}

  private static final int LINK_MAC = 1;
  private static final int LINK_MTU = 4;
  private static final int LINK_PEER = 5;
  private static final int LINK_MASTER = 10;
  private static final int LINK_INFO = 18;
  private static final int LINK_ALIAS = 20;
  private static final int LINK_MASK = 29;
  private static final int WITHOUT_STATISTICS = 8;
  private static final int LINK_HEAD = 16;
  private static final int ADDRESS_HEAD = 8;
  private static final int ROUTE_HEAD = 12;
  private static final int ROUTE_TABLE = 15;
  private static final int UP = 1;

  private final Exchange exchange;

  private RouteSocket(Exchange exchange) {
    this.exchange = exchange;
  }

  /** In the network namespace of this thread. */
  public static RouteSocket open() {
    return new RouteSocket(new Exchange(NetlinkSocket.open(NetlinkSocket.ROUTE)));
  }

  /**
   * Has messages carried out.
   *
   * @throws GantryException about the first that failed, with its {@link SyscallError}; all of them
   *     have been tried
   */
  public void send(RouteMessages messages) {
    exchange.carryOut(messages.writer());
  }

  /** Carries out in its own network namespace what is meant for a container's. */
  public void send(InsideMessages messages) {
    send(messages.messages());
  }

  public List<Link> links() {
    var request =
        new MessageWriter().begin(RouteMessages.GET_LINK, MessageWriter.DUMP, "list the links");
    RouteMessages.head(request, 0);
    request.attribute32(LINK_MASK, WITHOUT_STATISTICS);
    return exchange.ask(request, RouteSocket::link);
  }

  /** Numbers that other network namespaces have here. */
  public List<Integer> namespaces() {
    var request =
        new MessageWriter()
            .begin(RouteMessages.GET_NAMESPACE_ID, MessageWriter.DUMP, "list the namespaces");
    request.u32(0);
    return exchange.ask(
        request,
        answer ->
            answer.type() == RouteMessages.NEW_NAMESPACE_ID
                ? Optional.of(answer.attributes(4).number(RouteMessages.NAMESPACE_ID))
                : Optional.empty());
  }

  /**
   * Those of another network namespace.
   *
   * @param namespace one of {@link #namespaces}
   */
  public List<Link> links(int namespace) {
    var request =
        new MessageWriter().begin(RouteMessages.GET_LINK, MessageWriter.DUMP, "list the links");
    RouteMessages.head(request, 0);
    request.attribute32(LINK_MASK, WITHOUT_STATISTICS);
    request.attribute32(RouteMessages.LINK_NAMESPACE, namespace);
    return exchange.ask(request, RouteSocket::link);
  }

  /**
   * Whether the kernel can make links of a kind, by asking for one on no other, which it cannot
   * make; it loads the module where there is one.
   *
   * @param kind one whose links are on others: {@code macvlan}, {@code ipvlan}
   */
  public boolean makes(String kind) {
    var request =
        new MessageWriter()
            .begin(
                RouteMessages.NEW_LINK,
                MessageWriter.CREATE | MessageWriter.EXCLUSIVE,
                "ask for links of kind " + kind);
    RouteMessages.head(request, 0);
    request.nest(LINK_INFO).attribute(1, kind).close();
    try {
      exchange.carryOut(request);
    } catch (GantryException e) {
      return switch (SyscallError.errno(e)) {
        case EINVAL, ENODEV -> true; // on which other one, is not said
        case EOPNOTSUPP -> false;
        default -> throw e;
      };
    }
    throw new GantryException(
        GantryException.Kind.INTERNAL, "the kernel made a link of kind " + kind + " of nothing");
  }

  public Optional<Link> link(String name) {
    var request = new MessageWriter().begin(RouteMessages.GET_LINK, 0, "find the link " + name);
    RouteMessages.head(request, 0);
    request.attribute32(LINK_MASK, WITHOUT_STATISTICS).attribute(RouteMessages.LINK_NAME, name);
    try {
      return exchange.ask(request, RouteSocket::link).stream().findFirst();
    } catch (GantryException e) {
      if (SyscallError.errno(e) == Errno.ENODEV) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static Optional<Link> link(Answer answer) {
    if (answer.type() != RouteMessages.NEW_LINK) {
      return Optional.empty();
    }
    var all = answer.attributes(LINK_HEAD);
    return Optional.of(
        new Link(
            answer.body().getInt(4),
            all.text(RouteMessages.LINK_NAME),
            all.nested(LINK_INFO).text(1),
            all.text(LINK_ALIAS),
            Mac.text(all.bytes(LINK_MAC)),
            all.number(LINK_MTU),
            (answer.body().getInt(8) & UP) != 0,
            all.number(LINK_MASTER),
            all.number(LINK_PEER)));
  }

  public List<Address> addresses() {
    var request =
        new MessageWriter()
            .begin(RouteMessages.GET_ADDRESS, MessageWriter.DUMP, "list the addresses");
    request.u8(0).u8(0).u8(0).u8(0).u32(0);
    return exchange.ask(request, RouteSocket::address);
  }

  private static Optional<Address> address(Answer answer) {
    if (answer.type() != RouteMessages.NEW_ADDRESS) {
      return Optional.empty();
    }
    var all = answer.attributes(ADDRESS_HEAD);
    byte[] local = all.bytes(RouteMessages.ADDRESS_LOCAL);
    byte[] bytes = local.length > 0 ? local : all.bytes(RouteMessages.ADDRESS_PEER);
    if (bytes.length == 0) {
      return Optional.empty();
    }
    int prefix = Byte.toUnsignedInt(answer.body().get(1));
    return Optional.of(new Address(answer.body().getInt(4), new Cidr(Cidr.of(bytes), prefix)));
  }

  /** The unicast routes of the main table, of both families. */
  public List<Route> routes() {
    var request =
        new MessageWriter().begin(RouteMessages.GET_ROUTE, MessageWriter.DUMP, "list the routes");
    request.u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u8(0).u32(0);
    return exchange.ask(request, RouteSocket::route);
  }

  private static Optional<Route> route(Answer answer) {
    if (answer.type() != RouteMessages.NEW_ROUTE) {
      return Optional.empty();
    }
    int family = answer.body().get(0);
    boolean ipv6 = family == RouteMessages.INET6;
    var all = answer.attributes(ROUTE_HEAD);
    boolean wanted =
        (ipv6 || family == RouteMessages.INET)
            && all.number(ROUTE_TABLE) == RouteMessages.MAIN_TABLE
            && answer.body().get(7) == 1;
    if (!wanted) {
      return Optional.empty();
    }
    byte[] to = all.has(RouteMessages.ROUTE_TO) ? all.bytes(RouteMessages.ROUTE_TO) : none(ipv6);
    byte[] via = all.bytes(RouteMessages.ROUTE_VIA);
    return Optional.of(
        new Route(
            new Cidr(Cidr.of(to), Byte.toUnsignedInt(answer.body().get(1))),
            via.length == 0 ? null : Cidr.of(via),
            all.number(RouteMessages.ROUTE_LINK)));
  }

  private static byte[] none(boolean ipv6) {
    return new byte[ipv6 ? 16 : 4];
  }

  @Override
  public void close() {
    exchange.close();
  }
}
