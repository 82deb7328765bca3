package io.gantry.network.macvlan;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.linux.netlink.Cidr;
import io.gantry.network.macvlan.Links.Marked;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.Undo;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Attachment.Address;
import io.gantry.spi.network.Attachment.Link;
import io.gantry.spi.network.Attachment.Route;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.NetworkDriver;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * Containers on the network that an interface of the host is on, each under addresses of its own:
 * no rule, no bridge, no port of the host. What is kept in memory is read again from the kernel by
 * {@link #recover}: interfaces say in their alias whose they are, wherever they are.
 */
abstract class VlanDriver implements NetworkDriver {
  private static final System.Logger log = System.getLogger(VlanDriver.class.getName());

  /** A namespace whose last process has ended takes its links along by then. */
  private static final long GRACE_SECONDS = 2;

  private final LinkKind kind;
  private final Links links;
  private final Map<String, Parented> networks = new ConcurrentHashMap<>();
  private final ReentrantLock changes = new ReentrantLock(); // of networks and their parents
  private final ScheduledExecutorService worker;

  VlanDriver(LinkKind kind, String instance) {
    this.kind = kind;
    this.links = new Links(kind, new Marks(instance, kind));
    this.worker =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              var thread = new Thread(task, "gantry-" + kind);
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Interfaces stay as they are. */
  final void close() {
    worker.shutdownNow();
    links.close();
  }

  @Override
  public final Support probe() {
    try {
      return Modules.have(kind.toString()) || links.isKnown()
          ? Support.yes()
          : Support.no("this kernel has no " + kind);
    } catch (GantryException e) {
      return Support.no("this host makes no interfaces of kind " + kind + ": " + e.getMessage());
    }
  }

  @Override
  public final Map<String, String> status() {
    return Map.of("Networks", Integer.toString(networks.size()));
  }

  @Override
  public final Set<String> features() {
    return Set.of("ipv6", "multiple-subnets", "internal", "live-attach", "direct");
  }

  // Networks

  @Override
  public final void create(Network network) {
    var wanted = Parented.read(kind, network);
    changes.lock();
    try (var undo = new Undo()) {
      int parent = links.ensureParent(network.id(), wanted.options(), undo);
      networks.put(network.id(), wanted.on(parent));
      undo.keep();
    } finally {
      changes.unlock();
    }
  }

  @Override
  public final void remove(Network network) {
    changes.lock();
    try {
      networks.remove(network.id());
      links.parents(network.id()).forEach(this::leave);
    } finally {
      changes.unlock();
    }
  }

  /** A parent that was made goes with the last network that is on it. */
  private boolean leave(Marked parent) {
    var heir =
        networks.values().stream()
            .filter(other -> other.parent() == parent.link().index())
            .findFirst();
    if (heir.isPresent()) {
      links.pass(parent, heir.get().network().id());
    } else {
      links.delete(parent);
    }
    return heir.isEmpty();
  }

  // Endpoints

  @Override
  public final Attachment attach(Network network, Endpoint endpoint) {
    var its = networks.get(network.id());
    if (its == null) {
      throw new GantryException(
          NOT_FOUND, "the network " + network.name() + " has no parent on this host");
    }
    List<Cidr> addresses = endpoint.addresses().stream().map(Cidr::parse).toList();
    addresses.forEach(address -> requireIn(its, address));
    String name =
        endpoint.name().isEmpty()
            ? its.options().prefix() + Math.max(0, endpoint.index() - 2)
            : endpoint.name();
    String mac = mac(endpoint);
    int index = links.attach(its, endpoint.id(), endpoint.initPid(), name, mac, endpoint.index());
    return new Attachment(
        endpoint.id(),
        List.of(new Link(index, name, mac, 0)),
        endpoint.addresses().stream().map(address -> new Address(index, address)).toList(),
        routes(its, index, addresses),
        Map.of());
  }

  private static void requireIn(Parented network, Cidr address) {
    if (network.subnets().stream().noneMatch(subnet -> subnet.contains(address.address()))) {
      throw new GantryException(
          INVALID,
          "no configured subnet contains IP address " + address.address().getHostAddress());
    }
  }

  /** Empty where all have the parent's, and none can be set. */
  private String mac(Endpoint endpoint) {
    if (kind == LinkKind.IPVLAN) {
      return "";
    }
    if (!endpoint.mac().isEmpty()) {
      return endpoint.mac();
    }
    var mac = new StringBuilder("02:42");
    for (int i = 0; i < 8; i += 2) {
      mac.append(':').append(endpoint.id(), i, i + 2);
    }
    return mac.toString();
  }

  private List<Route> routes(Parented network, int link, List<Cidr> addresses) {
    var routes = new ArrayList<Route>();
    if (!network.leadsOut()) {
      return routes;
    }
    for (boolean ipv6 : List.of(false, true)) {
      var own = addresses.stream().filter(address -> address.isIpv6() == ipv6).findFirst();
      if (own.isPresent() && network.options().isRouted(kind)) {
        routes.add(new Route(link, ipv6 ? "::/0" : "default", ""));
      } else if (own.isPresent()) {
        network
            .gateway(own.get())
            .ifPresent(gateway -> routes.add(new Route(link, "default", gateway)));
      }
    }
    return routes;
  }

  @Override
  public final void detach(Network network, Attachment attachment) {
    try {
      worker.schedule(() -> detachLate(attachment.endpoint()), GRACE_SECONDS, TimeUnit.SECONDS);
    } catch (RejectedExecutionException e) {
      // the driver goes: the next one's recovery sees to it
    }
  }

  private void detachLate(String endpoint) {
    try {
      links.detach(endpoint);
    } catch (GantryException e) {
      log.log(WARNING, "an interface stays: endpoint {0}: {1}", endpoint, e.getMessage());
    }
  }

  @Override
  public final void disconnect(Network network, Attachment attachment) {
    links.detach(attachment.endpoint());
  }

  // Taking over

  @Override
  public final Recovery recover(List<Network> expected, List<Attachment> attachments) {
    networks.clear();
    var alive = new HashSet<String>();
    var lost = new HashSet<String>();
    for (Network network : expected) {
      (take(network) ? alive : lost).add(network.id());
    }
    var wanted = attachments.stream().map(Attachment::endpoint).collect(Collectors.toSet());
    var swept = new ArrayList<String>();
    for (Marked marked : links.marked()) {
      var mark = marked.mark();
      if (mark.isNetwork() ? networks.containsKey(mark.id()) : wanted.contains(mark.id())) {
        alive.add(mark.id());
      } else if (!mark.isNetwork()) {
        links.delete(marked);
        swept.add("interface " + marked.link().name());
      } else if (marked.isHere() && leave(marked)) { // the host's own may have a number, too
        swept.add("interface " + marked.link().name());
      }
    }
    for (String endpoint : wanted) {
      if (!alive.contains(endpoint)) {
        lost.add(endpoint);
      }
    }
    return new Recovery(alive, lost, swept);
  }

  private boolean take(Network network) {
    try {
      create(network);
      return true;
    } catch (GantryException e) {
      log.log(WARNING, "network {0} is lost: {1}", network.name(), e.getMessage());
      return false;
    }
  }
}
