package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.driver.NamedDrivers;
import io.gantry.engine.network.NetworkState.Phase;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import io.gantry.spi.network.NetworkDriver;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The network that containers are in when nothing else is asked for. It is made when the first
 * container comes into it; until then its subnet is only a proposal.
 */
final class DefaultNetwork {
  private static final System.Logger log = System.getLogger("io.gantry.engine.network");
  private static final int TRIES = 8;
  private static final Path PROC = Path.of("/proc");

  private final String instance;
  private final NetworkTable table;
  private final ReentrantLock lock; // the keeper's
  private final NetworkRecords records;
  private final NamedDrivers<NetworkDriver> drivers;
  private final Planning planning;
  private final Supplier<NetworkSettings> settings;
  private final InstantSource clock;

  DefaultNetwork(
      String instance,
      NetworkTable table,
      ReentrantLock lock,
      NetworkRecords records,
      NamedDrivers<NetworkDriver> drivers,
      Planning planning,
      Supplier<NetworkSettings> settings,
      InstantSource clock) {
    this.instance = instance;
    this.table = table;
    this.lock = lock;
    this.records = records;
    this.drivers = drivers;
    this.planning = planning;
    this.settings = settings;
    this.clock = clock;
  }

  /**
   * After all that runs is known ({@link #expect}): the default network becomes what is configured,
   * unless somebody is in it.
   */
  void settle() {
    var before = table.bridge();
    if (settings.get().bridge().equals("none")) {
      if (before == null || before.inhabitants.isEmpty()) {
        forget(before);
      }
      return;
    }
    var wanted = wanted("");
    if (before != null && (!before.inhabitants.isEmpty() || isSame(before.record(), wanted))) {
      return;
    }
    forget(before);
    lock.lock();
    try {
      var record = planning.propose(wanted, table.all(), HostRoutes.read(PROC));
      table.put(new NetworkState(record, Phase.PROPOSED, true));
    } catch (GantryException e) { // said again to who comes into it
      log.log(WARNING, "no subnet for the default network: {0}", e.getMessage());
      table.put(new NetworkState(wanted, Phase.PROPOSED, true));
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

  /** What it is to be, by the settings and those that its bridge has of its own. */
  NetworkRecord wanted(String driver) {
    return Predefined.bridge(instance, driver, HostBridge.settled(settings.get()), clock.instant());
  }

  /** Its driver sweeps what nobody expects. */
  private void forget(@Nullable NetworkState state) {
    if (state != null) {
      table.remove(state.record().id());
      records.remove(state.record());
    }
  }

  /**
   * The driver of the default network as it is now; {@link NetworkKeeper#BUILTIN} where no other
   * works on this host, and it has loopback only.
   *
   * @throws GantryException UNAVAILABLE
   */
  String driver() {
    return drivers.leased().defaultName();
  }

  /**
   * @return whether it had to be
   */
  boolean makeIfNeeded(NetworkState state) {
    if (state.isMade()) {
      return false;
    }
    state.hold();
    try {
      boolean isNeeded = !state.isMade();
      for (int left = TRIES; !state.isMade(); left--) {
        make(state, left);
      }
      return isNeeded;
    } finally {
      state.letGo();
    }
  }

  /** The default network: somebody may have taken what was proposed for it. */
  private void make(NetworkState state, int triesLeft) {
    String driver = driver();
    NetworkRecord record;
    lock.lock();
    try {
      var others = table.all().stream().filter(other -> other != state).toList();
      var wanted = wanted(driver);
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
    } catch (GantryException e) {
      if (e.kind() != CONFLICT || triesLeft <= 1) {
        throw e;
      }
      log.log(INFO, "another try at the default network: {0}", e.getMessage());
    }
  }
}
