package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.stream.Collectors.joining;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Events;
import io.gantry.api.Leased;
import io.gantry.api.Networks;
import io.gantry.api.Networks.Member;
import io.gantry.api.Networks.NetworkSpec;
import io.gantry.api.Networks.NetworkView;
import io.gantry.engine.driver.NamedDrivers;
import io.gantry.engine.network.NetworkState.Phase;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.NetworkDriver;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Networks: records of them, their addresses, who is in them, and their drivers.
 *
 * <p>Made: the driver first, then the record; a crash between them leaves what recovery sweeps, as
 * nobody expects it. Removed: the record first. The default network is made when the first
 * container comes into it; until then its subnet is only a proposal.
 *
 * <p>One lock guards names, addresses and inhabitants of all networks, and is held over nothing
 * else. A driver is called about a network with the lock of that network alone, and about endpoints
 * with none: a network with inhabitants is not removed.
 */
public final class NetworkKeeper {
  /** The driver of what is always there. */
  public static final String BUILTIN = "builtin";

  private static final System.Logger log = System.getLogger("io.gantry.engine.network");
  private static final int TRIES = 8;
  private static final Path PROC = Path.of("/proc");

  private final String instance;
  private final NetworkRecords records;
  private final NamedDrivers<NetworkDriver> drivers;
  private final Planning planning;
  private final NetworkTeller teller;
  private final Supplier<NetworkSettings> settings;
  private final InstantSource clock;
  private final PortKeeper ports = new PortKeeper();
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, NetworkState> states = new ConcurrentHashMap<>(); // by id

  public NetworkKeeper(
      Path dataRoot,
      String instance,
      Leased<NetworkDriver> drivers,
      Events events,
      Supplier<NetworkSettings> settings,
      InstantSource clock) {
    this.instance = instance;
    this.records = new NetworkRecords(dataRoot);
    this.drivers = new NamedDrivers<>(drivers, "plugin \"%s\" not found");
    this.planning = new Planning(new Subnets(instance), settings);
    this.teller = new NetworkTeller(events, clock);
    this.settings = settings;
    this.clock = clock;
  }

  /** Reads the records; once, before all else. */
  public void load() {
    for (String name : List.of("host", "none")) {
      var record = Predefined.plain(instance, name, clock.instant());
      states.put(record.id(), new NetworkState(record, Phase.MADE, true));
    }
    for (var record : records.load()) {
      states.put(record.id(), new NetworkState(record, Phase.MADE, true));
    }
  }

  /**
   * After all that runs is known ({@link #expect}): the default network becomes what is configured,
   * unless somebody is in it.
   */
  public void settle() {
    String id = Predefined.id(instance, Predefined.BRIDGE);
    var before = states.get(id);
    if (settings.get().bridge().equals("none")) {
      if (before == null || before.inhabitants.isEmpty()) {
        forget(before);
      }
      return;
    }
    var wanted = Predefined.bridge(instance, "", configured(), clock.instant());
    if (before != null && (!before.inhabitants.isEmpty() || isSame(before.record(), wanted))) {
      return;
    }
    forget(before);
    lock.lock();
    try {
      var record = planning.propose(wanted, all(), HostRoutes.read(PROC));
      states.put(id, new NetworkState(record, Phase.PROPOSED, true));
    } catch (GantryException e) { // said again to who comes into it
      log.log(WARNING, "no subnet for the default network: {0}", e.getMessage());
      states.put(id, new NetworkState(wanted, Phase.PROPOSED, true));
    } finally {
      lock.unlock();
    }
  }

  private static boolean isSame(NetworkRecord there, NetworkRecord wanted) {
    boolean named = wanted.options().containsKey(Planning.BRIDGE_NAME);
    var options = new HashMap<>(there.options());
    if (!named) {
      options.remove(Planning.BRIDGE_NAME);
    }
    return options.equals(wanted.options())
        && there.ipv6() == wanted.ipv6()
        && there.ipam().pools().containsAll(wanted.ipam().pools());
  }

  /** The default network's settings, with those that its bridge has of its own. */
  private NetworkSettings configured() {
    return HostBridge.settled(settings.get());
  }

  /** Its driver sweeps what nobody expects. */
  private void forget(@Nullable NetworkState state) {
    if (state != null) {
      states.remove(state.record().id());
      records.remove(state.record());
    }
  }

  private List<NetworkState> all() {
    return List.copyOf(states.values());
  }

  /** Those that clients may know of. */
  Collection<NetworkState> listed() {
    return states.values().stream().filter(NetworkState::isListed).toList();
  }

  /**
   * By name, id, or a prefix of an id that only one has.
   *
   * @throws GantryException NOT_FOUND
   */
  NetworkState find(String ref) {
    NetworkState found = null;
    var byPrefix = new ArrayList<NetworkState>();
    for (var state : listed()) {
      if (state.record().name().equals(ref)) {
        return state;
      }
      if (state.record().id().equals(ref)) {
        found = state;
      } else if (!ref.isEmpty() && state.record().id().startsWith(ref)) {
        byPrefix.add(state);
      }
    }
    if (found != null) {
      return found;
    }
    if (byPrefix.size() > 1) {
      throw new GantryException(
          INVALID,
          "network %s is ambiguous (%d matches found on ID prefix)"
              .formatted(ref, byPrefix.size()));
    }
    if (byPrefix.isEmpty()) {
      throw new GantryException(NOT_FOUND, "network " + shown(ref) + " not found");
    }
    return byPrefix.get(0);
  }

  private static String shown(String ref) {
    return ref.length() > 256 ? ref.substring(0, 256) + "…" : ref;
  }

  /**
   * What clients see of those there are, but for who else is to be in them.
   *
   * @param called what a container is called, by its id
   */
  public List<NetworkView> views(UnaryOperator<String> called) {
    return listed().stream().map(state -> view(state, called)).toList();
  }

  public NetworkView view(String ref, UnaryOperator<String> called) {
    return view(find(ref), called);
  }

  private static NetworkView view(NetworkState state, UnaryOperator<String> called) {
    var record = state.record();
    var members = new HashMap<String, Member>();
    for (var one : state.inhabitants.values()) {
      var place = one.place();
      members.put(
          one.container(),
          new Member(
              one.container(),
              called.apply(one.container()),
              place.endpoint(),
              place.mac(),
              place.address(),
              place.address6()));
    }
    return new NetworkView(
        record.id(),
        record.name(),
        record.created(),
        record.driver(),
        record.ipv4(),
        record.ipv6(),
        record.ipam(),
        record.internal(),
        record.attachable(),
        record.ingress(),
        record.configOnly(),
        record.configFrom(),
        record.options(),
        record.labels(),
        Networks.PREDEFINED.contains(record.name()),
        members,
        List.of());
  }

  /**
   * The name of a network that an endpoint may be asked for of.
   *
   * @throws GantryException INVALID
   */
  public String checked(String ref, NetworkRequest asked) {
    var record = find(ref).record();
    EndpointCheck.check(asked.in(record.name()), record);
    return record.name();
  }

  /**
   * Refuses what cannot be asked for of an endpoint, as far as is known: the network may be made
   * later.
   *
   * @param asked with the network's name
   * @throws GantryException INVALID
   */
  public void check(NetworkRequest asked) {
    var record =
        listed().stream()
            .map(NetworkState::record)
            .filter(one -> one.name().equals(asked.network()))
            .findFirst();
    try {
      EndpointCheck.check(asked, record.orElse(null));
    } catch (GantryException e) {
      throw EndpointCheck.with(asked.network(), e);
    }
  }

  /**
   * @throws GantryException NOT_FOUND
   */
  public String nameOfExisting(String ref) {
    return find(ref).record().name();
  }

  /** Its name, for one that is there; the text itself else. */
  public String nameOf(String ref) {
    try {
      return find(ref).record().name();
    } catch (GantryException e) {
      if (e.kind() != NOT_FOUND) {
        throw e;
      }
      return ref;
    }
  }

  /** The id of what is called so; empty when there is none. */
  public String idOf(String name) {
    for (var state : listed()) {
      if (state.record().name().equals(name)) {
        return state.record().id();
      }
    }
    return "";
  }

  /** As {@link Networks#create}. */
  public String create(NetworkSpec asked, List<String> warnings) {
    NetworkSpec spec = planning.check(asked, this::find);
    String driver =
        spec.configOnly()
            ? ""
            : spec.driver().isEmpty() ? drivers.leased().defaultName() : spec.driver();
    if (!driver.isEmpty()) {
      var features = drivers.ask(driver, NetworkDriver::features);
      Planning.check(spec, driver, features);
    }
    var routes = HostRoutes.read(PROC);
    NetworkState state;
    lock.lock();
    try {
      requireFree(spec.name());
      var record = planning.plan(spec, driver, clock.instant(), all(), routes);
      state = new NetworkState(record, Phase.MAKING, false);
      states.put(record.id(), state);
    } finally {
      lock.unlock();
    }
    var record = state.record();
    try (var undo = new Undo()) {
      undo.add(() -> states.remove(record.id()));
      if (!driver.isEmpty()) {
        undo.add(() -> drivers.call(driver, d -> d.remove(record.network())));
        drivers.call(driver, d -> d.create(record.network()));
      }
      undo.add(() -> records.remove(record));
      records.put(record);
      undo.keep();
    }
    state.phase(Phase.MADE);
    state.listed(true);
    if (!driver.isEmpty()) {
      warn(driver, record.network(), warnings);
    }
    teller.tell(record.id(), record.name(), record.driver(), "create");
    return record.id();
  }

  /** The network is made, whatever becomes of this. */
  private void warn(String driver, Network network, List<String> warnings) {
    try {
      warnings.addAll(drivers.ask(driver, one -> one.warnings(network)));
    } catch (GantryException e) {
      log.log(WARNING, "the driver {0} of {1}: {2}", driver, network.name(), e.getMessage());
    }
  }

  /** What the driver of the default network says of it, if that is made and the driver there. */
  public List<String> warnings() {
    var bridge = states.get(Predefined.id(instance, Predefined.BRIDGE));
    var warnings = new ArrayList<String>();
    if (bridge != null
        && bridge.isMade()
        && drivers.leased().names().contains(bridge.record().driver())) {
      warn(bridge.record().driver(), bridge.record().network(), warnings);
    }
    return warnings;
  }

  private void requireFree(String name) {
    if (states.values().stream().anyMatch(state -> state.record().name().equals(name))) {
      throw new GantryException(CONFLICT, "network with name " + name + " already exists");
    }
  }

  /**
   * As {@link Networks#remove}.
   *
   * @param called what a container is called, by its id
   */
  public void remove(String ref, UnaryOperator<String> called) {
    var state = find(ref);
    var record = state.record();
    if (Networks.PREDEFINED.contains(record.name())) {
      throw new GantryException(
          FORBIDDEN, record.name() + " is a pre-defined network and cannot be removed");
    }
    state.hold();
    try {
      lock.lock();
      try {
        if (!state.isListed()) {
          throw new GantryException(NOT_FOUND, "network " + ref + " not found");
        }
        requireUnused(state, called);
        state.listed(false);
      } finally {
        lock.unlock();
      }
      takeAway(state);
    } finally {
      state.letGo();
    }
    teller.tell(record.id(), record.name(), record.driver(), "destroy");
  }

  private void requireUnused(NetworkState state, UnaryOperator<String> called) {
    var record = state.record();
    if (!state.inhabitants.isEmpty()) {
      throw new GantryException(
          FORBIDDEN,
          "error while removing network: network %s has active endpoints (%s)"
              .formatted(record.name(), inhabitants(state, called)));
    }
    boolean isSource =
        record.configOnly()
            && states.values().stream()
                .anyMatch(other -> other.record().configFrom().equals(record.name()));
    if (isSource) {
      throw new GantryException(
          FORBIDDEN,
          "error while removing network: configuration network \""
              + record.name()
              + "\" is in use");
    }
  }

  private static String inhabitants(NetworkState state, UnaryOperator<String> called) {
    return state.inhabitants.values().stream()
        .map(
            one ->
                "name:\"%s\" id:\"%s\""
                    .formatted(
                        called.apply(one.container()), one.place().endpoint().substring(0, 12)))
        .sorted()
        .collect(joining(", "));
  }

  private void takeAway(NetworkState state) {
    var record = state.record();
    try (var undo = new Undo()) {
      undo.add(() -> state.listed(true));
      undo.add(() -> records.put(record));
      records.remove(record);
      if (!record.driver().isEmpty()) {
        drivers.call(record.driver(), driver -> driver.remove(record.network()));
      }
      undo.keep();
    }
    states.remove(record.id());
  }

  /**
   * The driver of the default network as it is now; {@link #BUILTIN} where no other works on this
   * host, and it has loopback only.
   *
   * @throws GantryException UNAVAILABLE
   */
  public String defaultDriver() {
    return drivers.leased().defaultName();
  }

  /**
   * Gives a run a place in a network, with addresses that nobody else has until {@link #leave}.
   *
   * @param asked with the network's name
   * @param others places that the run has
   */
  public Placed place(NetworkRequest asked, String container, List<Placed> others) {
    var state = find(asked.network());
    if (state.record().configOnly()) {
      throw new GantryException(
          FORBIDDEN,
          "cannot create endpoint for configuration-only network: " + state.record().name());
    }
    makeIfNeeded(state);
    lock.lock();
    try {
      if (!state.isListed()) {
        throw new GantryException(NOT_FOUND, "network " + asked.network() + " not found");
      }
      check(asked);
      var place = Placing.place(state, asked, others);
      state.inhabitants.put(place.endpoint(), new NetworkState.Inhabitant(container, place));
      return place;
    } finally {
      lock.unlock();
    }
  }

  private void makeIfNeeded(NetworkState state) {
    if (state.isMade()) {
      return;
    }
    state.hold();
    try {
      for (int left = TRIES; !state.isMade(); left--) {
        make(state, left);
      }
    } finally {
      state.letGo();
    }
  }

  /** The default network: somebody may have taken what was proposed for it. */
  private void make(NetworkState state, int triesLeft) {
    String driver = defaultDriver();
    NetworkRecord record;
    lock.lock();
    try {
      var others = all().stream().filter(other -> other != state).toList();
      var wanted = Predefined.bridge(instance, driver, configured(), clock.instant());
      record =
          planning.propose(
              Planning.named(wanted, TRIES - triesLeft), others, HostRoutes.read(PROC));
      state.record(record);
    } finally {
      lock.unlock();
    }
    try (var undo = new Undo()) {
      undo.add(() -> state.phase(Phase.PROPOSED));
      state.phase(Phase.MAKING);
      undo.add(() -> drivers.call(driver, d -> d.remove(record.network())));
      drivers.call(driver, d -> d.create(record.network()));
      undo.add(() -> records.remove(record));
      records.put(record);
      undo.keep();
      state.phase(Phase.MADE);
      warnings().forEach(words -> log.log(WARNING, "network {0}: {1}", record.name(), words));
    } catch (GantryException e) {
      if (e.kind() != CONFLICT || triesLeft <= 1) {
        throw e;
      }
      log.log(INFO, "another try at the default network: {0}", e.getMessage());
    }
  }

  /** Whether nothing leads out of it; also one that is not there any more. */
  public boolean isInternal(String id) {
    var state = states.get(id);
    return state == null || state.record().internal();
  }

  /**
   * Whether ports of the host may lead there: not into internal networks, nor into those where
   * containers are neighbours on a network of the host's.
   */
  public boolean isPublished(Placed place) {
    return !isInternal(place.network())
        && !drivers.ask(place.driver(), NetworkDriver::features).contains("direct");
  }

  /** Whether clients of published ports have to get past what the host's firewall lets in. */
  public boolean isHeldToFirewall(String id) {
    var state = states.get(id);
    return state != null
        && state.record().options().getOrDefault("io.gantry.network.firewall", "").equals("host");
  }

  /** Address of the host that ports are published on which were asked for on none. */
  public String bindingOf(String id) {
    var state = states.get(id);
    String text =
        state == null
            ? ""
            : state
                .record()
                .options()
                .getOrDefault("com.docker.network.bridge.host_binding_ipv4", "");
    return text.equals("0.0.0.0") ? "" : text;
  }

  public PortKeeper ports() {
    return ports;
  }

  public NetworkSettings settings() {
    return settings.get();
  }

  /** Of the default network, IPv4; empty when there is none. */
  public String defaultGateway() {
    var bridge = states.get(Predefined.id(instance, Predefined.BRIDGE));
    return bridge == null
        ? ""
        : bridge.record().ipam().pools().stream()
            .map(pool -> pool.gateway())
            .filter(gateway -> gateway.indexOf(':') < 0)
            .findFirst()
            .orElse("");
  }

  /** What its driver makes for a process that waits, or runs. */
  public Placed attach(Placed place, long pid) {
    var network = network(place);
    var endpoint = place.endpointOf(pid);
    Attachment made = drivers.ask(place.driver(), driver -> driver.attach(network, endpoint));
    return place.with(made);
  }

  /** Who is in networks of a driver or on the way into one. */
  public List<Placed> inhabitants(String driver) {
    return states.values().stream()
        .flatMap(state -> state.inhabitants.values().stream())
        .map(NetworkState.Inhabitant::place)
        .filter(place -> place.driver().equals(driver))
        .toList();
  }

  /** Waits for a driver that is being swapped. */
  public void awaitDriver(Placed place) {
    drivers.call(place.driver(), driver -> {});
  }

  /** Takes back an attach, whatever has become of it. */
  public void detach(Placed place) {
    var network = network(place);
    drivers.call(place.driver(), driver -> driver.detach(network, place.madeOrNone()));
  }

  /** Takes an endpoint out of a network namespace that others stay in. */
  public void disconnect(Placed place) {
    var network = network(place);
    drivers.call(place.driver(), driver -> driver.disconnect(network, place.madeOrNone()));
  }

  /** Also of one that is not there any more. */
  private Network network(Placed place) {
    var state = states.get(place.network());
    return state == null
        ? new Network(place.network(), place.name(), List.of(), false, Map.of())
        : state.record().network();
  }

  /** The place and its addresses are free again; does nothing when they are. */
  public void leave(Placed place) {
    var state = states.get(place.network());
    if (state == null) {
      return;
    }
    lock.lock();
    try {
      if (state.inhabitants.remove(place.endpoint()) != null) {
        Placing.release(state, place);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Recovery: a run that may live has this place. */
  public void expect(Placed place, String container) {
    lock.lock();
    try {
      var state = states.computeIfAbsent(place.network(), id -> withoutRecord(place, container));
      Placing.take(state, place);
      state.inhabitants.put(place.endpoint(), new NetworkState.Inhabitant(container, place));
    } finally {
      lock.unlock();
    }
  }

  /** Whoever is in it goes on; of others only the default network can be known to be as it was. */
  private NetworkState withoutRecord(Placed place, String container) {
    log.log(
        WARNING,
        "no record of network {0} ({1}), which {2} is in: it lasts as long as that runs",
        place.name(),
        place.network(),
        container);
    var bridge = Predefined.bridge(instance, place.driver(), configured(), clock.instant());
    return bridge.id().equals(place.network())
        ? new NetworkState(Remains.of(place, bridge), Phase.MADE, true)
        : new NetworkState(Remains.of(place, clock.instant()), Phase.LEFT, false);
  }

  /** A network without a record goes with the last who was in it; does nothing otherwise. */
  public void sweep(Placed place) {
    NetworkState state;
    lock.lock();
    try {
      state = states.get(place.network());
      if (state == null || state.phase() != Phase.LEFT || !state.inhabitants.isEmpty()) {
        return;
      }
      states.remove(place.network());
    } finally {
      lock.unlock();
    }
    var network = state.record().network();
    drivers.call(place.driver(), driver -> driver.remove(network));
  }

  /** Tells that a container has come or gone. */
  public void tell(Placed place, String container, String action) {
    teller.tell(place, container, action);
  }

  /** That those were removed which nobody has. */
  public void tellPruned() {
    teller.pruned();
  }

  /** Networks that a driver has made, as far as the records know. */
  public List<Network> networksOf(String driver) {
    return all().stream()
        .filter(state -> state.phase() != Phase.PROPOSED && state.record().driver().equals(driver))
        .map(state -> state.record().network())
        .toList();
  }
}
