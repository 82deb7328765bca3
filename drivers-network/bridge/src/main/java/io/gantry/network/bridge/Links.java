package io.gantry.network.bridge;

import io.gantry.linux.Errno;
import io.gantry.linux.SyscallError;
import io.gantry.linux.netlink.Cidr;
import io.gantry.linux.netlink.LazyRoutes;
import io.gantry.linux.netlink.LinkIndexes;
import io.gantry.linux.netlink.RouteMessages;
import io.gantry.linux.netlink.RouteMessages.Peer;
import io.gantry.linux.netlink.RouteSocket;
import io.gantry.linux.netlink.RouteSocket.Link;
import io.gantry.network.bridge.Marks.Mark;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Undo;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/** Bridges of networks and the host's ends of endpoints, as interfaces of this host. */
final class Links implements AutoCloseable {
  private static final int FIRST_INDEX = 1 << 16; // far from those that the kernel counts

  private final Marks marks;
  private final String defaultBridge;
  private final LinkIndexes indexes = new LinkIndexes(FIRST_INDEX);
  private final LazyRoutes routes = new LazyRoutes();

  Links(Marks marks, String defaultBridge) {
    this.marks = marks;
    this.defaultBridge = defaultBridge;
  }

  RouteSocket socket() {
    return routes.get();
  }

  // Bridges

  /**
   * Makes a network's bridge, or what of it is missing.
   *
   * @throws GantryException CONFLICT when its name is taken
   */
  Bridged ensure(Bridged network, Undo undo) {
    String name = name(network);
    var there = socket().link(name);
    if (there.isEmpty()) {
      undo.add(() -> remove(network.on(name, 0)));
      make(name, network);
      there = socket().link(name);
    }
    Link bridge =
        there.orElseThrow(
            () -> new GantryException(Kind.CONFLICT, "the bridge " + name + " has been deleted"));
    Forwarding.tame(name, network.has(true));
    address(bridge, network);
    return network.on(name, bridge.index());
  }

  /** What the bridge is called, or will be. */
  private String name(Bridged network) {
    String asked = network.options().bridge();
    String own = Marks.bridge(network.network().id());
    if (!asked.isEmpty()) {
      socket().link(asked).ifPresent(link -> requireFree(link, network));
      return asked;
    }
    var there = bridge(network.network().id());
    if (there.isPresent()) {
      return there.get().name();
    }
    if (!network.options().isDefault()) {
      socket().link(own).ifPresent(link -> requireFree(link, network));
      return own;
    }
    var taken = socket().link(defaultBridge);
    boolean others = taken.isPresent() && !isFor(taken.get(), network);
    return others ? own : defaultBridge;
  }

  /** The bridge that a network has, as its mark says or those of who is in it. */
  Optional<Link> bridge(String network) {
    var marked = marked();
    var own =
        marked.stream()
            .filter(m -> m.mark().isNetwork() && m.mark().id().equals(network))
            .map(Marked::link)
            .findFirst();
    if (own.isPresent()) {
      return own;
    }
    var masters =
        marked.stream()
            .filter(m -> m.mark().network().equals(network))
            .map(m -> m.link().master())
            .collect(Collectors.toSet());
    return masters.isEmpty()
        ? Optional.empty()
        : socket().links().stream().filter(link -> masters.contains(link.index())).findFirst();
  }

  private boolean isFor(Link link, Bridged network) {
    Mark mark = marks.own(link.alias());
    return mark != null && mark.isNetwork() && mark.id().equals(network.network().id());
  }

  /** A bridge that an administrator has made, and that nobody has marked, may be used. */
  private void requireFree(Link link, Bridged network) {
    if (!link.kind().equals("bridge")) {
      throw new GantryException(
          Kind.INVALID, "existing interface " + link.name() + " is not a bridge");
    }
    if (Marks.read(link.alias()) != null && !isFor(link, network)) {
      throw new GantryException(
          Kind.CONFLICT, "the bridge " + link.name() + " belongs to another network");
    }
  }

  private void make(String name, Bridged network) {
    String id = network.network().id();
    var messages = new RouteMessages();
    var bridge = messages.bridge(name).mac(mac(id));
    if (network.options().mtu() > 0) {
      bridge.mtu(network.options().mtu());
    }
    messages.change(name).alias(marks.ofNetwork(id));
    socket().send(messages);
    Forwarding.useAtOnce(name);
  }

  /** One of its own: a bridge without one takes the lowest of its ports', which come and go. */
  static String mac(String id) {
    var mac = new StringBuilder("02:42");
    for (int i = 0; i < 8; i += 2) {
      mac.append(':').append(id, i, i + 2);
    }
    return mac.toString();
  }

  private void address(Link bridge, Bridged network) {
    var has =
        socket().addresses().stream()
            .filter(address -> address.link() == bridge.index())
            .map(RouteSocket.Address::cidr)
            .toList();
    var messages = new RouteMessages();
    boolean needed = !bridge.up();
    messages.change(bridge.index()).up();
    for (Cidr gateway : network.gateways()) {
      if (!has.contains(gateway)) {
        needed = true;
        messages.addAddress(bridge.index(), gateway);
      }
    }
    if (needed) {
      socket().send(messages);
    }
  }

  /** Deletes the bridge that was made for a network; one that an administrator made stays. */
  void remove(Bridged network) {
    socket()
        .link(network.bridge())
        .filter(link -> isFor(link, network))
        .ifPresent(link -> delete(link.index()));
  }

  private void delete(int link) {
    try {
      socket().send(new RouteMessages().deleteLink(link));
    } catch (GantryException e) {
      if (SyscallError.errno(e) != Errno.ENODEV) {
        throw e;
      }
      // it has gone by itself
    }
  }

  // Endpoints

  /**
   * Makes a pair in one go: one end in the bridge, marked, the other one in the network namespace
   * of a process, as it shall be there but down.
   *
   * @return index of the other end
   */
  int attach(Bridged network, String endpoint, Peer peer) {
    String name = Marks.link(endpoint);
    return indexes.make(here -> attach(network, endpoint, name, peer, here));
  }

  private int attach(Bridged network, String endpoint, String name, Peer peer, int here) {
    var messages = new RouteMessages();
    messages.pair(name, here, network.options().mtu(), peer).master(network.index());
    var marked = messages.change(name).alias(marks.ofEndpoint(endpoint, network.network().id()));
    if (network.quiet()) {
      marked.noLinkLocal(); // only while it is down
    }
    if (network.hairpin() || !network.options().icc()) {
      marked.port(network.hairpin(), !network.options().icc());
    }
    messages.change(name).up();
    try {
      socket().send(messages);
    } catch (GantryException e) {
      socket().link(name).filter(link -> link.index() == here).ifPresent(l -> delete(here));
      throw e;
    }
    if (peer.index() > 0) {
      return peer.index();
    }
    return socket().link(name).map(Link::peer).orElse(0);
  }

  /**
   * Sends nothing any more to an endpoint whose namespace ends. A connection that its client has
   * not closed keeps the namespace for a while, which would answer for the next one that has its
   * addresses. Does nothing when it is gone.
   */
  void mute(String endpoint) {
    var messages = new RouteMessages();
    messages.change(Marks.link(endpoint)).mute();
    try {
      socket().send(messages);
    } catch (GantryException e) {
      switch (SyscallError.errno(e)) {
        case ENODEV, EOPNOTSUPP, EINVAL -> {} // it has gone, or is no port of a bridge any more
        default -> throw e;
      }
    }
  }

  /** Deletes the host's end of an endpoint of this instance, and with it the other one. */
  void detach(String endpoint) {
    link(endpoint).ifPresent(link -> delete(link.index()));
  }

  /** The host's end of an endpoint of this instance. */
  Optional<Link> link(String endpoint) {
    return socket()
        .link(Marks.link(endpoint))
        .filter(
            link -> {
              Mark mark = marks.own(link.alias());
              return mark != null && mark.id().equals(endpoint);
            });
  }

  /** An interface that bears the instance's mark. */
  record Marked(Link link, Mark mark) {}

  List<Marked> marked() {
    return socket().links().stream()
        .map(
            link -> {
              Mark mark = marks.own(link.alias());
              return mark == null ? null : new Marked(link, mark);
            })
        .filter(Objects::nonNull)
        .toList();
  }

  /** Puts an endpoint's end back into its network's bridge. */
  void rejoin(Link link, Bridged network) {
    if (link.master() == network.index() && link.up()) {
      return;
    }
    var messages = new RouteMessages();
    messages.change(link.index()).master(network.index()).up();
    messages.change(link.index()).port(network.hairpin(), !network.options().icc());
    socket().send(messages);
  }

  void sweep(Link link) {
    delete(link.index());
  }

  @Override
  public void close() {
    routes.close();
  }
}
