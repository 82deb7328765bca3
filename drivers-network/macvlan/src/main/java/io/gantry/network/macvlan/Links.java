package io.gantry.network.macvlan;

import io.gantry.linux.Errno;
import io.gantry.linux.SyscallError;
import io.gantry.linux.netlink.LazyRoutes;
import io.gantry.linux.netlink.LinkIndexes;
import io.gantry.linux.netlink.RouteMessages;
import io.gantry.linux.netlink.RouteMessages.Peer;
import io.gantry.linux.netlink.RouteSocket;
import io.gantry.linux.netlink.RouteSocket.Link;
import io.gantry.network.macvlan.Marks.Mark;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Undo;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Parents of networks on the host, and links of endpoints in the namespaces of their containers,
 * which have numbers on the host: so links are found and taken away there without anybody going in.
 */
final class Links implements AutoCloseable {
  private static final int HERE = -1;
  private static final int FIRST_INDEX = 3 << 28; // far from those of others

  private final LinkKind kind;
  private final Marks marks;
  private final LinkIndexes indexes = new LinkIndexes(FIRST_INDEX);
  private final LazyRoutes routes = new LazyRoutes();

  Links(LinkKind kind, Marks marks) {
    this.kind = kind;
    this.marks = marks;
  }

  private RouteSocket socket() {
    return routes.get();
  }

  boolean isKnown() {
    return socket().makes(kind.toString());
  }

  // Parents

  /**
   * Finds a network's parent, or makes one: a VLAN by its name, or one that leads nowhere.
   *
   * @return its index
   */
  int ensureParent(String network, VlanOptions options, Undo undo) {
    String name = options.parent().isEmpty() ? Marks.parent(network) : options.parent();
    var there = socket().link(name);
    if (there.isEmpty()) {
      undo.add(() -> removeParent(network));
      makeParent(network, options, name);
      there = socket().link(name);
    }
    return there
        .orElseThrow(
            () -> new GantryException(Kind.CONFLICT, "the interface " + name + " has gone"))
        .index();
  }

  private void makeParent(String network, VlanOptions options, String name) {
    var messages = new RouteMessages();
    if (options.parent().isEmpty()) {
      String end = Marks.end(network);
      messages.pair(name, 0, 0, new Peer(0, 0, end, ""));
      messages.change(end).alias(marks.ofNetwork(network)).noLinkLocal();
      messages.change(end).up();
    } else if (options.vlan() > 0 && socket().link(options.carrier()).isPresent()) {
      int carrier = socket().link(options.carrier()).orElseThrow().index();
      messages.vlan(name, carrier, options.vlan());
    } else {
      throw new GantryException(
          Kind.INVALID, "requested parent interface " + name + " was not found on this host");
    }
    messages.change(name).alias(marks.ofNetwork(network)).noLinkLocal();
    messages.change(name).up();
    socket().send(messages);
  }

  /** Deletes what was made for a network; a parent that was there stays. */
  void removeParent(String network) {
    for (Marked marked : parents(network)) {
      delete(marked);
    }
  }

  /** What was made for a network. */
  List<Marked> parents(String network) {
    return marked(HERE).stream()
        .filter(marked -> marked.mark().isNetwork() && marked.mark().id().equals(network))
        .toList();
  }

  /** It was made for a network that is gone, and is another one's from now on. */
  void pass(Marked parent, String network) {
    var messages = new RouteMessages();
    messages.change(parent.link().index()).alias(marks.ofNetwork(network));
    socket().send(messages);
  }

  // Endpoints

  /**
   * Makes a link and moves it into the network namespace of a process, as it shall be there but
   * down.
   *
   * @param mac empty for the parent's
   * @param at index that it gets there; 0: any
   * @return the index it got
   */
  int attach(Parented network, String endpoint, long pid, String name, String mac, int at) {
    number(pid);
    int here = indexes.make(index -> make(network, endpoint, mac, index));
    try (var undo = new Undo()) {
      undo.add(() -> deleteHere(here, endpoint));
      var move = new RouteMessages();
      move.change(here).name(name).namespaceOf(pid, at);
      socket().send(move);
      undo.keep();
    }
    return at > 0 ? at : find(endpoint).map(found -> found.link().index()).orElse(0);
  }

  private int make(Parented network, String endpoint, String mac, int here) {
    String name = Marks.link(endpoint);
    var options = network.options();
    var messages = new RouteMessages();
    if (kind == LinkKind.MACVLAN) {
      messages.macvlan(name, here, network.parent(), options.macvlan()).mac(mac);
    } else {
      messages.ipvlan(name, here, network.parent(), options.ipvlan(), options.flag());
    }
    messages.change(here).alias(marks.ofEndpoint(endpoint));
    try {
      socket().send(messages);
    } catch (GantryException e) {
      deleteHere(here, endpoint);
      throw e;
    }
    return here;
  }

  private void deleteHere(int link, String endpoint) {
    socket()
        .link(Marks.link(endpoint))
        .filter(found -> found.index() == link)
        .ifPresent(found -> delete(new Marked(found, new Mark(false, endpoint), HERE)));
  }

  /** From now on its links can be asked for. */
  private void number(long pid) {
    try {
      socket().send(new RouteMessages().number(pid));
    } catch (GantryException e) {
      if (SyscallError.errno(e) != Errno.EEXIST) {
        throw e;
      }
    }
  }

  void detach(String endpoint) {
    find(endpoint).ifPresent(this::delete);
  }

  private Optional<Marked> find(String endpoint) {
    return marked().stream()
        .filter(marked -> !marked.mark().isNetwork() && marked.mark().id().equals(endpoint))
        .findFirst();
  }

  /**
   * An interface that bears the instance's mark.
   *
   * @param namespace number of where it is, {@link #HERE} on the host
   */
  record Marked(Link link, Mark mark, int namespace) {

    boolean isHere() {
      return namespace == HERE;
    }
  }

  /** On the host and in all namespaces that have numbers. */
  List<Marked> marked() {
    var all = new ArrayList<>(marked(HERE));
    for (int namespace : socket().namespaces()) {
      all.addAll(marked(namespace));
    }
    return all;
  }

  private List<Marked> marked(int namespace) {
    var found = new ArrayList<Marked>();
    for (Link link : links(namespace)) {
      Mark mark = marks.own(link.alias());
      if (mark != null) {
        found.add(new Marked(link, mark, namespace));
      }
    }
    return found;
  }

  private List<Link> links(int namespace) {
    try {
      return namespace == HERE ? socket().links() : socket().links(namespace);
    } catch (GantryException e) {
      if (namespace != HERE && SyscallError.errno(e) == Errno.EINVAL) {
        return List.of(); // it has just gone
      }
      throw e;
    }
  }

  void delete(Marked marked) {
    var messages = new RouteMessages();
    int link = marked.link().index();
    try {
      socket()
          .send(
              marked.isHere()
                  ? messages.deleteLink(link)
                  : messages.deleteLink(link, marked.namespace()));
    } catch (GantryException e) {
      switch (SyscallError.errno(e)) {
        case ENODEV, EINVAL -> {} // it has gone by itself, or its namespace has
        default -> throw e;
      }
    }
  }

  @Override
  public void close() {
    routes.close();
  }
}
