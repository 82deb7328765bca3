package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Events;
import io.gantry.api.Leased;
import io.gantry.api.Networks;
import io.gantry.api.Networks.NetworkSpec;
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
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Networks: records of them, their addresses, who is in them, and their drivers.
 *
 * <p>Made: the driver first, then the record; a crash between them leaves what recovery sweeps, as
 * nobody expects it. Removed: the record first.
 *
 * <p>One lock guards names, addresses and inhabitants of all networks, and is held over nothing
 * else. A driver is called about a network with the lock of that network alone, and about endpoints
 * with none: a network with inhabitants is not removed.
 */
public final class NetworkKeeper {
  /** The driver of what is always there. */
  public static final String BUILTIN = "builtin";

  private static final System.Logger log = System.getLogger("io.gantry.engine.network");
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
  private final NetworkTable table;
  private final DefaultNetwork bridge;
  private final Openings openings;

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
    this.table = new NetworkTable(instance);
    this.bridge =
        new DefaultNetwork(instance, table, lock, records, this.drivers, planning, settings, clock);
    this.openings = new Openings(table, this.drivers, this::freeWithheld);
  }

  /** Reads the records; once, before all else. */
  public void load() {
    for (String name : List.of("host", "none")) {
      var record = Predefined.plain(instance, name, clock.instant());
      table.put(new NetworkState(record, Phase.MADE, true));
    }
    for (var record : records.load()) {
      table.put(new NetworkState(record, Phase.MADE, true));
    }
  }

  /** All there are, to look at. */
  public NetworkTable table() {
    return table;
  }

  /**
   * After all that runs is known ({@link #expect}): the default network becomes what is configured,
   * unless somebody is in it.
   */
  public void settle() {
    bridge.settle();
  }

  /** As {@link Networks#create}. */
  public String create(NetworkSpec asked, List<String> warnings) {
    NetworkSpec spec = planning.check(asked, table::find);
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
      table.requireFree(spec.name());
      var record = planning.plan(spec, driver, clock.instant(), table.all(), routes);
      state = new NetworkState(record, Phase.MAKING, false);
      table.put(state);
    } finally {
      lock.unlock();
    }
    var record = state.record();
    try (var undo = new Undo()) {
      undo.add(() -> table.remove(record.id()));
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
    var state = table.bridge();
    var warnings = new ArrayList<String>();
    if (state != null
        && state.isMade()
        && drivers.leased().names().contains(state.record().driver())) {
      warn(state.record().driver(), state.record().network(), warnings);
    }
    return warnings;
  }

  /**
   * As {@link Networks#remove}.
   *
   * @param called what a container is called, by its id
   */
  public void remove(String ref, UnaryOperator<String> called) {
    var state = table.find(ref);
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
        table.requireUnused(state, called);
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
    table.remove(record.id());
  }

  /** As {@link DefaultNetwork#driver}. */
  public String defaultDriver() {
    return bridge.driver();
  }

  /**
   * Gives a run a place in a network, with addresses that nobody else has until {@link #leave}.
   *
   * @param asked with the network's name
   * @param others places that the run has
   */
  public Placed place(NetworkRequest asked, String container, List<Placed> others) {
    var state = table.find(asked.network());
    if (state.record().configOnly()) {
      throw new GantryException(
          FORBIDDEN,
          "cannot create endpoint for configuration-only network: " + state.record().name());
    }
    if (bridge.makeIfNeeded(state)) {
      warnings().forEach(words -> log.log(WARNING, "network {0}: {1}", asked.network(), words));
    }
    lock.lock();
    try {
      if (!state.isListed()) {
        throw new GantryException(NOT_FOUND, "network " + asked.network() + " not found");
      }
      table.check(asked);
      var place = Placing.place(state, asked, others);
      state.inhabitants.put(place.endpoint(), new NetworkState.Inhabitant(container, place));
      return place;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether ports of the host may lead there: not into internal networks, nor into those where
   * containers are neighbours on a network of the host's.
   */
  public boolean isPublished(Placed place) {
    return !table.isInternal(place.network())
        && !drivers.ask(place.driver(), NetworkDriver::features).contains("direct");
  }

  public PortKeeper ports() {
    return ports;
  }

  public NetworkSettings settings() {
    return settings.get();
  }

  /** What its driver makes for a process that waits, or runs. */
  public Placed attach(Placed place, long pid) {
    var network = table.network(place);
    var endpoint = place.endpointOf(pid);
    Attachment made = drivers.ask(place.driver(), driver -> driver.attach(network, endpoint));
    return place.with(made);
  }

  /** Waits for a driver that is being swapped. */
  public void awaitDriver(Placed place) {
    drivers.call(place.driver(), driver -> {});
  }

  /** Takes back an attach, whatever has become of it. */
  public void detach(Placed place) {
    var network = table.network(place);
    drivers.call(place.driver(), driver -> driver.detach(network, place.madeOrNone()));
  }

  /** Takes an endpoint out of a network namespace that others stay in. */
  public void disconnect(Placed place) {
    var network = table.network(place);
    drivers.call(place.driver(), driver -> driver.disconnect(network, place.madeOrNone()));
  }

  public Openings openings() {
    return openings;
  }

  /**
   * The place and its addresses are free again, as soon as the driver lets nobody come to them any
   * more; does nothing when they are.
   */
  public void leave(Placed place) {
    var state = table.get(place.network());
    if (state == null) {
      return;
    }
    lock.lock();
    try {
      long changes = state.changes();
      if (state.knows(changes)) {
        free(state, place);
      } else {
        state.withheld.add(new NetworkState.Withheld(place, changes));
      }
    } finally {
      lock.unlock();
    }
  }

  /** The keeper's lock is held. */
  private static void free(NetworkState state, Placed place) {
    if (state.inhabitants.remove(place.endpoint()) != null) {
      Placing.release(state, place);
    }
  }

  private void freeWithheld(NetworkState state) {
    lock.lock();
    try {
      for (var one : List.copyOf(state.withheld)) {
        if (state.knows(one.changes())) {
          state.withheld.remove(one);
          free(state, one.place());
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Recovery: a run that may live has this place. */
  public void expect(Placed place, String container) {
    lock.lock();
    try {
      var state = table.get(place.network());
      if (state == null) {
        state = withoutRecord(place, container);
        table.put(state);
      }
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
    var wanted = bridge.wanted(place.driver());
    return wanted.id().equals(place.network())
        ? new NetworkState(Remains.of(place, wanted), Phase.MADE, true)
        : new NetworkState(Remains.of(place, clock.instant()), Phase.LEFT, false);
  }

  /** A network without a record goes with the last who was in it; does nothing otherwise. */
  public void sweep(Placed place) {
    NetworkState state;
    lock.lock();
    try {
      state = table.get(place.network());
      if (state == null || state.phase() != Phase.LEFT || !state.inhabitants.isEmpty()) {
        return;
      }
      table.remove(place.network());
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
}
