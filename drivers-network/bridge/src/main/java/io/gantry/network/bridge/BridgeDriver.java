package io.gantry.network.bridge;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.linux.netlink.Cidr;
import io.gantry.linux.netlink.RouteMessages.Peer;
import io.gantry.network.bridge.Links.Marked;
import io.gantry.spi.Driver;
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
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.Designate;

/**
 * A bridge of this host for each network, a pair of interfaces for each endpoint, and one nf_tables
 * table for all of them. What is kept in memory is read again from the kernel by {@link #recover}:
 * interfaces say in their alias whose they are.
 */
@Component(
    name = BridgeConfig.PID,
    configurationPid = BridgeConfig.PID,
    property = Driver.NAME + "=bridge")
@Designate(ocd = BridgeConfig.class)
public final class BridgeDriver implements NetworkDriver {
  private static final System.Logger log = System.getLogger(BridgeDriver.class.getName());

  /**
   * @param forward switch forwarding on when needed
   * @param forwardDrop and then forward for nobody else
   * @param repair set rules again that others take away
   */
  record Settings(
      String defaultBridge, boolean rules, boolean forward, boolean forwardDrop, boolean repair) {}

  private final Settings settings;
  private final Links links;
  private final RuleKeeper rules;
  private final Chores chores;
  private final Map<String, Bridged> networks = new ConcurrentHashMap<>();
  private final ReentrantLock changes = new ReentrantLock(); // of networks and of their rules

  @Activate
  public BridgeDriver(BundleContext context, BridgeConfig config) {
    this(
        Objects.requireNonNull(context.getProperty("gantry.instance"), "gantry.instance"),
        new Settings(
            config.bridge(),
            config.rules(),
            config.ipForward(),
            config.forwardDrop(),
            config.repairRules()));
  }

  BridgeDriver(String instance, Settings settings) {
    this.settings = settings;
    var marks = new Marks(instance);
    this.links = new Links(marks, settings.defaultBridge());
    this.rules = new RuleKeeper(marks.table());
    this.chores = new Chores(links, marks.table(), rules, settings.repair());
  }

  /** Interfaces and rules stay as they are. */
  @Deactivate
  void letGo() {
    chores.close();
    links.close();
    rules.close();
  }

  @Override
  public Support probe() {
    if (settings.rules()) {
      try {
        rules.require();
      } catch (GantryException e) {
        return Support.no(
            "this kernel has no nf_tables, which keeps bridge networks apart: " + e.getMessage());
      }
    }
    return Support.yes();
  }

  @Override
  public Map<String, String> status() {
    var status = new LinkedHashMap<String, String>();
    status.put("Networks", Integer.toString(networks.size()));
    status.put("Rules set again", Integer.toString(chores.repairs()));
    if (settings.rules()) {
      var obstacles = rules.obstacles();
      if (!obstacles.isEmpty()) {
        status.put("Drop what they do not know", String.join("; ", obstacles));
      }
    }
    return status;
  }

  @Override
  public Set<String> features() {
    return Set.of("ipv6", "multiple-subnets", "internal", "live-attach");
  }

  // Networks

  @Override
  public void create(Network network) {
    var wanted = Bridged.read(network);
    changes.lock();
    try (var undo = new Undo()) {
      requireFree(wanted);
      make(wanted, undo);
      undo.keep();
    } finally {
      changes.unlock();
    }
  }

  private void requireFree(Bridged wanted) {
    String id = wanted.network().id();
    for (Bridged other : networks.values()) {
      boolean same = other.network().id().equals(id);
      if (!same && other.bridge().equals(wanted.options().bridge())) {
        throw new GantryException(
            FORBIDDEN,
            "cannot create network %s (%s): conflicts with network %s (%s): networks have same"
                    .formatted(id, other.bridge(), other.network().id(), other.bridge())
                + " bridge name");
      }
      for (Cidr subnet : same ? List.<Cidr>of() : wanted.subnets()) {
        if (other.subnets().stream().anyMatch(subnet::overlaps)) {
          throw new GantryException(
              CONFLICT,
              "cannot create network "
                  + id
                  + ": conflicts with network "
                  + other.network().id()
                  + " ("
                  + other.bridge()
                  + "): networks have overlapping "
                  + (subnet.isIpv6() ? "IPv6" : "IPv4"));
        }
      }
    }
    var there = links.marked().stream().filter(m -> m.mark().id().equals(id)).findAny();
    int own = there.map(m -> m.link().index()).orElse(0);
    var given = links.socket().link(wanted.options().bridge().isEmpty() ? "lo" : wanted.bridge());
    for (var route : links.socket().routes()) {
      boolean others =
          route.link() != own && given.map(l -> l.index() != route.link()).orElse(true);
      if (route.to().prefix() > 0 && others && wanted.subnets().contains(route.to())) {
        throw new GantryException(
            CONFLICT, "a route of this host leads to " + route.to() + " already");
      }
    }
  }

  /** Makes what is missing of a network. */
  private void make(Bridged wanted, Undo undo) {
    String id = wanted.network().id();
    var before = networks.get(id);
    undo.add(
        () -> {
          if (before == null) {
            networks.remove(id);
          } else {
            networks.put(id, before);
          }
          setRules();
        });
    var made = links.ensure(wanted, undo);
    networks.put(id, made);
    var missing = missingForwarding(List.of(wanted));
    setRules();
    forward(missing);
    relay(made);
  }

  /** After the rules are set, so that nothing passes but what they say; without them, nothing. */
  private void relay(Bridged network) {
    Forwarding.relay(network.bridge(), settings.rules() && !network.links().isEmpty());
  }

  /** Links that do not work are no reason to lose the rest; ports that are left open are one. */
  private void relayAgain(Bridged network) {
    try {
      relay(network);
    } catch (GantryException e) {
      if (network.links().isEmpty()) {
        throw e;
      }
      log.log(WARNING, "links in network {0} do not work: {1}", network.bridge(), e.getMessage());
    }
  }

  /** Families that need forwarding, which is off and shall be on: for our networks alone. */
  private List<Boolean> missingForwarding(Collection<Bridged> of) {
    var families = new ArrayList<Boolean>();
    for (boolean ipv6 : List.of(false, true)) {
      boolean needed = of.stream().anyMatch(network -> network.forwards(ipv6));
      if (settings.forward() && needed && !Forwarding.isOn(ipv6)) {
        families.add(ipv6);
        rules.close(ipv6, settings.forwardDrop());
      }
    }
    return families;
  }

  /** After the rules are set, so that nothing passes in between. */
  private void forward(List<Boolean> families) {
    for (boolean ipv6 : families) {
      try {
        Forwarding.switchOn(ipv6);
      } catch (GantryException e) {
        log.log(WARNING, "forwarding is off and stays so: {0}", e.getMessage());
        rules.close(ipv6, false);
        setRules();
      }
    }
  }

  private void setRules() {
    if (settings.rules()) {
      rules.set(networks.values());
      chores.guardRules();
    }
  }

  @Override
  public List<String> warnings(Network network) {
    var all = new ArrayList<String>();
    for (String option : BridgeOptions.unknown(network)) {
      all.add("The option " + option + " is not known and has no effect.");
    }
    var made = networks.get(network.id());
    if (made != null && made.forwards(false) && !Forwarding.isOn(false)) {
      all.add("IPv4 forwarding is disabled. Networking will not work.");
    }
    if (made != null && made.forwards(true) && !Forwarding.isOn(true)) {
      all.add("IPv6 forwarding is disabled. Networking will not work.");
    }
    if (made != null && settings.rules() && !network.internal()) {
      for (String chain : rules.obstacles()) {
        all.add(
            "Rules of others drop what is forwarded unless they allow it ("
                + chain
                + "): let them accept what comes from and goes to "
                + made.bridge()
                + ".");
      }
    }
    return all;
  }

  @Override
  public void remove(Network network) {
    changes.lock();
    try {
      var known = networks.remove(network.id());
      var marked =
          links.marked().stream()
              .filter(m -> m.mark().isNetwork() && m.mark().id().equals(network.id()))
              .findAny();
      try {
        marked.ifPresent(m -> links.sweep(m.link()));
        if (known != null || marked.isPresent()) {
          setRules();
        }
      } catch (GantryException e) {
        if (known != null) {
          networks.put(network.id(), known); // what is left of it goes with the next try
        }
        throw e;
      }
    } finally {
      changes.unlock();
    }
  }

  @Override
  public void link(Network network) {
    change(network);
  }

  @Override
  public void open(Network network) {
    change(network);
  }

  private void change(Network network) {
    changes.lock();
    try {
      var before = networks.get(network.id());
      if (before == null) {
        return;
      }
      var now = before.with(network);
      networks.put(network.id(), now);
      if (now.links().equals(before.links()) && now.ports().equals(before.ports())) {
        return;
      }
      try (var undo = new Undo()) {
        undo.add(() -> networks.put(network.id(), before)); // or others' changes fail by it
        setRules();
        relay(now);
        undo.keep();
      }
    } finally {
      changes.unlock();
    }
  }

  // Endpoints

  @Override
  public Attachment attach(Network network, Endpoint endpoint) {
    var bridged = networks.get(network.id());
    if (bridged == null) {
      throw new GantryException(
          NOT_FOUND, "the network " + network.name() + " has no bridge on this host");
    }
    List<Cidr> addresses = endpoint.addresses().stream().map(Cidr::parse).toList();
    addresses.forEach(address -> requireIn(bridged, address));
    String name =
        endpoint.name().isEmpty()
            ? bridged.options().prefix() + Math.max(0, endpoint.index() - 2)
            : endpoint.name();
    String mac = endpoint.mac().isEmpty() ? mac(endpoint, addresses) : endpoint.mac();
    var peer = new Peer(endpoint.initPid(), endpoint.index(), name, mac);
    int index = links.attach(bridged, endpoint.id(), peer);
    return new Attachment(
        endpoint.id(),
        List.of(new Link(index, name, mac, bridged.options().mtu())),
        endpoint.addresses().stream().map(address -> new Address(index, address)).toList(),
        routes(bridged, index, addresses),
        bridged.quiet() ? sysctls(name, addresses) : Map.of());
  }

  private static void requireIn(Bridged network, Cidr address) {
    if (network.subnets().stream().noneMatch(subnet -> subnet.contains(address.address()))) {
      throw new GantryException(
          INVALID,
          "no configured subnet contains IP address " + address.address().getHostAddress());
    }
  }

  /** From the address where there is one: who has it next is known to neighbours already. */
  private static String mac(Endpoint endpoint, List<Cidr> addresses) {
    for (Cidr address : addresses) {
      if (!address.isIpv6()) {
        byte[] ip = address.address().getAddress();
        return String.format("02:42:%02x:%02x:%02x:%02x", ip[0], ip[1], ip[2], ip[3]);
      }
    }
    return Links.mac(endpoint.id());
  }

  /** A default route for each family that leads out. */
  private static List<Route> routes(Bridged network, int link, List<Cidr> addresses) {
    var routes = new ArrayList<Route>();
    for (boolean ipv6 : List.of(false, true)) {
      if (network.forwards(ipv6)) {
        addresses.stream()
            .filter(address -> address.isIpv6() == ipv6)
            .flatMap(address -> network.gateway(address.address()).stream())
            .findFirst()
            .ifPresent(gateway -> routes.add(new Route(link, "default", gateway)));
      }
    }
    return routes;
  }

  /** No IPv6, not even of its own making, where the network has none; as dockerd does. */
  private static Map<String, String> sysctls(String name, List<Cidr> addresses) {
    boolean ipv6 = addresses.stream().anyMatch(Cidr::isIpv6);
    return Map.of("net.ipv6.conf." + name.replace('.', '/') + ".disable_ipv6", ipv6 ? "0" : "1");
  }

  @Override
  public void detach(Network network, Attachment attachment) {
    chores.expectGone(attachment.endpoint());
    links.mute(attachment.endpoint());
  }

  @Override
  public void disconnect(Network network, Attachment attachment) {
    links.detach(attachment.endpoint());
  }

  // Taking over

  @Override
  public Recovery recover(List<Network> expected, List<Attachment> attachments) {
    changes.lock();
    try {
      if (settings.rules()) {
        rules.takeOver(settings.forwardDrop());
      }
      networks.clear();
      var alive = new HashSet<String>();
      var lost = new HashSet<String>();
      for (Network network : expected) {
        (take(network) ? alive : lost).add(network.id());
      }
      var wanted = attachments.stream().map(Attachment::endpoint).collect(Collectors.toSet());
      var known = expected.stream().map(Network::id).collect(Collectors.toSet());
      var swept = sweep(wanted, known, alive);
      for (String endpoint : wanted) {
        (alive.contains(endpoint) ? alive : lost).add(endpoint);
      }
      var missing = missingForwarding(networks.values());
      setRules();
      forward(missing);
      networks.values().forEach(this::relayAgain);
      return new Recovery(alive, lost, swept);
    } finally {
      changes.unlock();
    }
  }

  private boolean take(Network network) {
    Bridged wanted = null;
    try (var undo = new Undo()) {
      wanted = Bridged.read(network);
      networks.put(network.id(), links.ensure(wanted, undo));
      undo.keep();
      return true;
    } catch (GantryException e) {
      log.log(WARNING, "network {0} is lost: {1}", network.name(), e.getMessage());
      if (wanted != null) {
        keep(wanted);
      }
      return false;
    }
  }

  /** Whoever is in it goes on as far as the bridge is there. */
  private void keep(Bridged wanted) {
    String id = wanted.network().id();
    links.bridge(id).ifPresent(link -> networks.put(id, wanted.on(link.name(), link.index())));
  }

  /**
   * Adds to {@code alive} the endpoints that are there, and takes away what bears the mark of this
   * instance and is neither. A network that could not be taken, or whose record is damaged, keeps
   * its bridge: containers may be in it.
   *
   * @param known ids of networks
   */
  private List<String> sweep(Set<String> endpoints, Set<String> known, Set<String> alive) {
    var swept = new ArrayList<String>();
    var marks = links.marked();
    var kept = new HashSet<>(known);
    marks.stream()
        .map(Marked::mark)
        .filter(mark -> !mark.isNetwork() && endpoints.contains(mark.id()))
        .forEach(mark -> kept.add(mark.network()));
    for (Marked marked : marks) {
      var mark = marked.mark();
      boolean stays = mark.isNetwork() ? kept.contains(mark.id()) : endpoints.contains(mark.id());
      if (!stays) {
        links.sweep(marked.link());
        swept.add((mark.isNetwork() ? "bridge " : "interface ") + marked.link().name());
      } else if (!mark.isNetwork()) {
        alive.add(mark.id());
        rejoin(marked);
      }
    }
    return swept;
  }

  private void rejoin(Marked endpoint) {
    var network = networks.get(endpoint.mark().network());
    if (network != null) {
      links.rejoin(endpoint.link(), network);
    }
  }
}
