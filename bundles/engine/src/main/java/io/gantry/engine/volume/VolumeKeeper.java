package io.gantry.engine.volume;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Events;
import io.gantry.api.Leased;
import io.gantry.api.Volumes.VolumeSpec;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.engine.driver.NamedDrivers;
import io.gantry.linux.Dir;
import io.gantry.linux.UserMaps;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import io.gantry.spi.Undo;
import io.gantry.spi.volume.Volume;
import io.gantry.spi.volume.VolumeDriver;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Volumes: records of them, which containers have them, and their drivers.
 *
 * <p>Made: the driver first, then the record; a crash between them leaves a volume that {@link
 * #recover} takes in, whole, since the driver keeps its labels. One that is made for a container
 * has its record first, which names the container: should that never come to be, recovery removes
 * both. Removed: the record says so before the driver does it and goes after; recovery finishes
 * what was begun.
 *
 * <p>A name's lock is held while its driver is called; taking over waits for no lock, since whoever
 * holds it may wait for the driver.
 */
public final class VolumeKeeper {
  private static final String MISSING =
      "error looking up volume plugin %s: plugin \"%s\" not found";

  private static final System.Logger log = System.getLogger("io.gantry.engine.volume");

  /** Who gives back a volume comes again when somebody is busy with it for longer. */
  private static final Duration SOON = Duration.ofSeconds(1);

  private final VolumeTable table = new VolumeTable();
  private final VolumeRecords records;
  private final NamedDrivers<VolumeDriver> drivers;
  private final Filling filling;
  private final VolumeRecovery recovery;
  private final VolumeTeller teller;
  private final SpareDisk spare;
  private final InstantSource clock;
  private volatile Set<String> unreadable = Set.of();

  public VolumeKeeper(
      Path dataRoot,
      Path execRoot,
      Leased<VolumeDriver> drivers,
      Events events,
      SpareDisk spare,
      InstantSource clock) {
    this.records = new VolumeRecords(dataRoot, execRoot);
    this.drivers = new NamedDrivers<>(drivers, MISSING);
    this.filling = new Filling(records);
    this.recovery = new VolumeRecovery(table, records, this::passOn);
    this.teller = new VolumeTeller(events, clock);
    this.spare = spare;
    this.clock = clock;
  }

  /** Reads the records; once, before all else. */
  public void load() {
    records
        .load()
        .forEach(
            (name, record) -> {
              table.make(name).record(record);
              table.make(name).path(record.path());
            });
  }

  VolumeTable table() {
    return table;
  }

  VolumeTeller teller() {
    return teller;
  }

  /**
   * What a container has got.
   *
   * @param path on the host, as far as the driver has said
   */
  public record Use(String name, String driver, String path) {}

  /**
   * Gives a container a volume, which is made if need be.
   *
   * @param own it is the container's own, until {@link #disown}
   * @param ephemeral the container needs not survive a power cut
   */
  public Use use(VolumeSpec spec, String container, boolean own, boolean ephemeral) {
    return table.with(
        spec.name(),
        state -> {
          boolean makes = !state.isThere() || state.maker.equals(container);
          var record = obtain(state, spec, own ? container : "", own && ephemeral);
          if (record.ephemeral() && !ephemeral) {
            record = settle(state, record);
          }
          state.maker = makes ? container : "";
          state.users.add(container);
          return new Use(record.name(), record.driver(), state.path());
        });
  }

  /** The state's lock is held. */
  VolumeRecord obtain(VolumeState state, VolumeSpec spec, String owner, boolean ephemeral) {
    state.maker = "";
    var there = state.record();
    if (there != null && there.removing()) {
      finishRemoval(state, there);
    } else if (there != null) {
      if (!spec.driver().isEmpty() && !spec.driver().equals(there.driver())) {
        throw new GantryException(
            CONFLICT,
            "create %s: driver '%s' already has volume '%s': volume name must be unique"
                .formatted(spec.name(), there.driver(), spec.name()));
      }
      return there;
    }
    var record =
        new VolumeRecord(
            spec.name(),
            spec.driver().isEmpty() ? drivers.leased().defaultName() : spec.driver(),
            spec.options(),
            spec.labels(),
            clock.instant(),
            owner,
            ephemeral,
            false,
            false,
            "");
    make(state, record);
    teller.tell(record.name(), "create", record.driver(), Map.of());
    return record;
  }

  /**
   * @throws GantryException NOT_FOUND
   */
  void requireDriver(String volume, String driver) {
    try {
      drivers.ask(driver, found -> true);
    } catch (GantryException e) {
      throw new GantryException(e.kind(), "create " + volume + ": " + e.getMessage(), e);
    }
  }

  private void make(VolumeState state, VolumeRecord record) {
    var ours = new AtomicBoolean();
    try (var undo = new Undo()) {
      undo.add(() -> records.remove(record));
      if (!record.container().isEmpty()) {
        records.put(record);
      }
      undo.add(
          () -> {
            if (ours.get()) {
              drivers.call(record.driver(), driver -> driver.remove(record.name()));
            }
          });
      drivers.call(record.driver(), driver -> createNew(driver, state, record, ours));
      var made = record.at(state.path());
      if (record.container().isEmpty()) {
        records.put(made);
      }
      state.record(made);
      undo.keep();
    } catch (GantryException e) {
      throw new GantryException(e.kind(), "create " + record.name() + ": " + e.getMessage(), e);
    }
  }

  /**
   * @param ours set when what is there afterwards, whole or half, was not there before: what a
   *     driver has without a record is somebody's data
   */
  private static void createNew(
      VolumeDriver driver, VolumeState state, VolumeRecord record, AtomicBoolean ours) {
    ours.set(driver.find(record.name()).isEmpty());
    try {
      createAt(driver, state, record);
    } catch (GantryException e) {
      if (e.kind() == CONFLICT) { // it is there, and cannot be listed
        ours.set(false);
      }
      throw e;
    }
  }

  private static void createAt(VolumeDriver driver, VolumeState state, VolumeRecord record) {
    var labels = new TreeMap<>(record.labels() == null ? Map.of() : record.labels());
    if (record.ephemeral()) {
      labels.put(Volume.EPHEMERAL, "true");
    }
    driver.create(record.name(), record.driverOptions(), labels);
    driver.find(record.name()).ifPresent(state::learn);
  }

  /** A container that stays takes one that was to go with another. */
  private VolumeRecord settle(VolumeState state, VolumeRecord record) {
    var lasting = record.lasting();
    drivers.call(lasting.driver(), driver -> createAt(driver, state, lasting));
    records.settle(lasting);
    state.record(lasting);
    return lasting;
  }

  /**
   * Recovery: a container that is on record has it.
   *
   * @param driver that it has it from
   */
  public void expect(String volume, String driver, String container, boolean mounted) {
    var state = table.make(volume); // without a record: its driver may have it
    state.saidDriver = driver;
    if (state.record() == null) {
      log.log(WARNING, "no record of volume {0}, which container {1} has", volume, container);
    }
    state.users.add(container);
    if (mounted) {
      state.holders.add(container);
    }
  }

  /** Recovery: what these containers have is not known, as their records cannot be read. */
  public void expectUnknown(Set<String> containers) {
    unreadable = Set.copyOf(containers);
  }

  /**
   * Whoever takes volumes that nobody has must know who has which.
   *
   * @throws GantryException CONFLICT
   */
  void requireUsersKnown() {
    if (!unreadable.isEmpty()) {
      throw new GantryException(
          CONFLICT,
          "volumes are not pruned: the records of these containers cannot be read, nor what volumes"
              + " they have: "
              + String.join(", ", unreadable));
    }
  }

  /**
   * A container gives it back; unless another one has it, it goes if asked for.
   *
   * @return false when somebody is busy with it: to be repeated
   */
  public boolean release(String volume, String container, boolean remove) {
    return table.soonWith(volume, SOON, state -> release(state, container, remove));
  }

  /**
   * A container did not come to be: what was made for it goes, unless others asked for it, too.
   *
   * @return as {@link #release}
   */
  public boolean takeBack(String volume, String container) {
    var state = table.find(volume);
    return state == null
        || !state.users.contains(container) // it waited for it, and who waits for no end now
        || table.soonWith(
            volume, SOON, found -> release(found, container, found.maker.equals(container)));
  }

  private void release(VolumeState state, String container, boolean remove) {
    state.users.remove(container);
    if (!state.isThere()) {
      return;
    }
    if (remove && state.users.isEmpty()) {
      remove(state, false);
    } else {
      passOn(state, container);
    }
  }

  /** Whose owner goes while others have it does not go after him. */
  private void passOn(VolumeState state, String owner) {
    var record = state.require();
    if (owner.isEmpty() || !record.container().equals(owner)) {
      return;
    }
    String heir = record.ephemeral() ? state.users.stream().findFirst().orElse("") : "";
    spare.spend(() -> records.put(state, record.of(heir)));
  }

  /** A container is about to be removed with the volume: whatever happens, that goes as well. */
  public void claim(String volume, String container) {
    own(volume, record -> !record.container().equals(container), container);
  }

  /** A container is about to be removed without the volume: from now on it is nobody's. */
  public void disown(String volume) {
    own(volume, record -> !record.container().isEmpty(), "");
  }

  private void own(String volume, Predicate<VolumeRecord> which, String container) {
    table.with(
        volume,
        state -> {
          var record = state.record();
          if (record != null && !record.removing() && which.test(record)) {
            var owned = record.of(container);
            spare.spend(() -> records.put(state, owned));
          }
          return true;
        });
  }

  /**
   * Makes it reachable on the host for a container or whoever uses it for a while.
   *
   * @return a bind whose target the caller fills in
   */
  public Mount mount(String volume, String holder) {
    return table.with(volume, state -> mount(state, holder));
  }

  private Mount mount(VolumeState state, String holder) {
    var record = state.require();
    boolean held = !state.holders.add(holder); // first: a driver that takes over now must know
    try (var undo = new Undo()) {
      if (!held) {
        undo.add(() -> unmount(state, holder));
      }
      var mount = drivers.ask(record.driver(), driver -> driver.mount(record.name(), holder));
      state.path(mount.source());
      if (record.filling()) {
        filling.empty(state, record, mount.source());
      }
      undo.keep();
      return mount;
    }
  }

  /** Where it is on the host, as far as its driver has said. */
  public String path(String volume) {
    var state = table.find(volume);
    return state == null ? "" : state.path();
  }

  /** What containers do with it. */
  public void tell(String volume, String driver, String action, Map<String, String> attributes) {
    teller.tell(volume, action, driver, attributes);
  }

  /** May be repeated; a driver that is away hears of it when it takes over. */
  public void unmount(String volume, String holder) {
    table.with(
        volume,
        state -> {
          unmount(state, holder);
          return true;
        });
  }

  private void unmount(VolumeState state, String holder) {
    var record = state.record();
    state.holders.remove(holder);
    if (record == null) {
      return;
    }
    try {
      drivers.call(record.driver(), driver -> driver.unmount(record.name(), holder));
    } catch (GantryException e) {
      log.log(WARNING, "volume {0} stays mounted for now: {1}", state.name, e.getMessage());
    }
  }

  /**
   * Makes an empty volume of ours, which nobody has given to anybody yet, the root's of those
   * users. One that somebody has named the files of stays his.
   */
  public void give(String volume, String container, UserMaps users) {
    table.with(
        volume,
        state -> {
          var record = state.require();
          if (!record.driver().equals("local") || !record.driverOptions().isEmpty()) {
            return false;
          }
          String holder = container + "-fill";
          var mount = mount(state, holder);
          try (Dir dir = Dir.open(Path.of(mount.source()))) {
            var stat = dir.stat();
            if (stat.uid() == 0 && stat.gid() == 0 && dir.isEmpty()) {
              dir.chown(users.users().root(), users.groups().root());
            }
          } finally {
            unmount(state, holder);
          }
          return true;
        });
  }

  /**
   * Fills an empty volume: others meet it as it was or with all there is to come. Does nothing when
   * there is something in it.
   *
   * @param users whose numbers the directory's are; null: the host's
   * @param source the directory to copy with its attributes, asked for when it is needed; empty for
   *     none
   */
  public void fill(
      String volume, String container, @Nullable UserMaps users, Supplier<Optional<Dir>> source) {
    table.with(
        volume,
        state -> {
          String holder = container + "-fill";
          var mount = mount(state, holder);
          try (Dir dir = Dir.open(Path.of(mount.source()))) {
            if (dir.isEmpty()) {
              state.filledFor(container);
              source.get().ifPresent(from -> filling.fill(state, container, from, dir, users));
            }
          } finally {
            state.filledFor("");
            unmount(state, holder);
          }
          return true;
        });
  }

  /**
   * The state's lock is held.
   *
   * @param force what cannot be done now is done when the driver is back
   */
  void remove(VolumeState state, boolean force) {
    var record = state.require();
    if (!state.users.isEmpty()) {
      throw new GantryException(
          CONFLICT,
          "remove %s: volume is in use - [%s]"
              .formatted(state.name, String.join(", ", state.users)));
    }
    var going = record.goes();
    spare.spend(() -> records.put(state, going));
    try {
      finishRemoval(state, going);
    } catch (GantryException e) {
      boolean away = e.kind() == UNAVAILABLE || e.kind() == NOT_FOUND;
      if (!(force && away)) {
        spare.spend(() -> records.put(state, record));
        throw new GantryException(e.kind(), "remove " + state.name + ": " + e.getMessage(), e);
      }
      log.log(INFO, "volume {0} goes when its driver is back: {1}", state.name, e.getMessage());
    }
    teller.tell(state.name, "destroy", record.driver(), Map.of());
  }

  private void finishRemoval(VolumeState state, VolumeRecord going) {
    spare.spend(() -> drivers.call(going.driver(), driver -> driver.remove(going.name())));
    spare.spend(() -> records.remove(going));
    state.gone();
  }

  /** Bytes of its files, -1 when its driver cannot tell now. */
  long bytes(VolumeRecord record) {
    try {
      return drivers.ask(record.driver(), driver -> driver.usage(record.name()));
    } catch (GantryException e) {
      log.log(INFO, "no size of volume {0}: {1}", record.name(), e.getMessage());
      return -1;
    }
  }

  /**
   * Tells a driver that takes over what there is, takes in what it has beyond that, and finishes
   * what was begun.
   *
   * @param containers ids of all containers that are there or may be
   */
  public Recovery recover(String name, VolumeDriver driver, Set<String> containers) {
    return recovery.recover(name, driver, containers);
  }
}
