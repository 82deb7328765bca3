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
import io.gantry.linux.Dir;
import io.gantry.linux.TreeCopy;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import io.gantry.spi.Undo;
import io.gantry.spi.volume.Volume;
import io.gantry.spi.volume.VolumeDriver;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

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
  private static final System.Logger log = System.getLogger("io.gantry.engine.volume");
  private static final int MODE = 0755;

  private final VolumeTable table = new VolumeTable();
  private final VolumeRecords records;
  private final Leased<VolumeDriver> drivers;
  private final VolumeTeller teller;
  private final SpareDisk spare;
  private final InstantSource clock;

  public VolumeKeeper(
      Path dataRoot,
      Path execRoot,
      Leased<VolumeDriver> drivers,
      Events events,
      SpareDisk spare,
      InstantSource clock) {
    this.records = new VolumeRecords(dataRoot, execRoot);
    this.drivers = drivers;
    this.teller = new VolumeTeller(events, clock);
    this.spare = spare;
    this.clock = clock;
  }

  /** Reads the records; once, before all else. */
  public void load() {
    records.load().forEach((name, record) -> table.make(name).record(record));
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
            spec.driver().isEmpty() ? drivers.defaultName() : spec.driver(),
            spec.options(),
            spec.labels(),
            clock.instant(),
            owner,
            ephemeral,
            false,
            false);
    make(state, record);
    teller.tell(record.name(), "create", record.driver(), Map.of());
    return record;
  }

  /**
   * @throws GantryException NOT_FOUND
   */
  void requireDriver(String volume, String driver) {
    try {
      ask(driver, found -> true);
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
              call(record, driver -> driver.remove(record.name()));
            }
          });
      call(record, driver -> createNew(driver, state, record, ours));
      if (record.container().isEmpty()) {
        records.put(record);
      }
      undo.keep();
    } catch (GantryException e) {
      throw new GantryException(e.kind(), "create " + record.name() + ": " + e.getMessage(), e);
    }
    state.record(record);
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
    driver.find(record.name()).ifPresent(volume -> learn(state, volume));
  }

  private static void learn(VolumeState state, Volume volume) {
    state.path(volume.path());
    state.status(volume.status());
  }

  /** A container that stays takes one that was to go with another. */
  private VolumeRecord settle(VolumeState state, VolumeRecord record) {
    var lasting = record.lasting();
    call(lasting, driver -> createAt(driver, state, lasting));
    records.settle(lasting);
    state.record(lasting);
    return lasting;
  }

  /** Recovery: a container that is on record has it. */
  public void expect(String volume, String container, boolean mounted) {
    var state = table.make(volume); // without a record: its driver may have it
    if (state.record() == null) {
      log.log(WARNING, "no record of volume {0}, which container {1} has", volume, container);
    }
    state.users.add(container);
    if (mounted) {
      state.holders.add(container);
    }
  }

  /** A container gives it back; unless another one has it, it goes if asked for. */
  public void release(String volume, String container, boolean remove) {
    table.with(volume, state -> release(state, container, remove));
  }

  /** A container did not come to be: what was made for it goes, unless others asked for it, too. */
  public void takeBack(String volume, String container) {
    table.with(volume, state -> release(state, container, state.maker.equals(container)));
  }

  private boolean release(VolumeState state, String container, boolean remove) {
    state.users.remove(container);
    if (!state.isThere()) {
      return false;
    }
    if (remove && state.users.isEmpty()) {
      remove(state, false);
      return true;
    }
    passOn(state, container);
    return false;
  }

  /** Whose owner goes while others have it does not go after him. */
  private void passOn(VolumeState state, String owner) {
    var record = state.require();
    if (owner.isEmpty() || !record.container().equals(owner)) {
      return;
    }
    String heir = record.ephemeral() ? state.users.stream().findFirst().orElse("") : "";
    spare.spend(() -> mark(state, record.of(heir)));
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
            spare.spend(() -> records.put(owned));
            state.record(owned);
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
      var mount = ask(record, driver -> driver.mount(record.name(), holder));
      state.path(mount.source());
      if (record.filling()) {
        empty(state, record, mount.source());
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
      call(record, driver -> driver.unmount(record.name(), holder));
    } catch (GantryException e) {
      log.log(WARNING, "volume {0} stays mounted for now: {1}", state.name, e.getMessage());
    }
  }

  /**
   * Fills an empty volume: others meet it as it was or with all there is to come. Does nothing when
   * there is something in it.
   *
   * @param source the directory to copy with its attributes, asked for when it is needed; empty for
   *     none
   */
  public void fill(String volume, String container, Supplier<Optional<Dir>> source) {
    table.with(
        volume,
        state -> {
          String holder = container + "-fill";
          var mount = mount(state, holder);
          try (Dir dir = Dir.open(Path.of(mount.source()))) {
            if (dir.isEmpty()) {
              source.get().ifPresent(from -> fill(state, container, from, dir));
            }
          } finally {
            unmount(state, holder);
          }
          return true;
        });
  }

  private void fill(VolumeState state, String container, Dir source, Dir to) {
    try (Dir from = source;
        var undo = new Undo()) {
      if (from.isEmpty()) {
        TreeCopy.copyAttributes(from, to, name -> true);
        return;
      }
      if (state.users.stream().anyMatch(user -> !user.equals(container))) {
        TreeCopy.copy(from, to); // never emptied: what others write meanwhile is among it
        return;
      }
      var record = state.require();
      undo.add(() -> empty(state, record, to));
      mark(state, record.filling(true));
      TreeCopy.copy(from, to);
      if (!record.ephemeral()) {
        to.syncFileSystem();
      }
      mark(state, record.filling(false));
      undo.keep();
    }
  }

  private void mark(VolumeState state, VolumeRecord changed) {
    records.put(changed);
    state.record(changed);
  }

  /** What an engine that died had begun to copy. */
  private void empty(VolumeState state, VolumeRecord record, String path) {
    try (Dir dir = Dir.open(Path.of(path))) {
      empty(state, record, dir);
    }
  }

  private void empty(VolumeState state, VolumeRecord record, Dir dir) {
    dir.names().forEach(dir::removeTree);
    dir.chown(0, 0);
    dir.chmod(MODE);
    dir.syncFileSystem();
    mark(state, record.filling(false));
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
    spare.spend(() -> records.put(going));
    state.record(going);
    try {
      finishRemoval(state, going);
    } catch (GantryException e) {
      boolean away = e.kind() == UNAVAILABLE || e.kind() == NOT_FOUND;
      if (!(force && away)) {
        spare.spend(() -> records.put(record));
        state.record(record);
        throw new GantryException(e.kind(), "remove " + state.name + ": " + e.getMessage(), e);
      }
      log.log(INFO, "volume {0} goes when its driver is back: {1}", state.name, e.getMessage());
    }
    teller.tell(state.name, "destroy", record.driver(), Map.of());
  }

  private void finishRemoval(VolumeState state, VolumeRecord going) {
    spare.spend(() -> call(going, driver -> driver.remove(going.name())));
    spare.spend(() -> records.remove(going));
    state.record(null);
    state.path("");
    state.status(Map.of());
  }

  /** Bytes of its files, -1 when its driver cannot tell now. */
  long bytes(VolumeRecord record) {
    try {
      return ask(record, driver -> driver.usage(record.name()));
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
    Map<String, Set<String>> expected = new HashMap<>();
    for (var state : table.states()) {
      var record = state.record();
      if (record != null && record.driver().equals(name)) {
        expected.put(state.name, Set.copyOf(state.holders));
      }
    }
    var recovery = driver.recover(expected);
    for (Volume volume : driver.list()) {
      unlessBusy(table.make(volume.name()), state -> meet(state, name, volume));
    }
    for (String volume : expected.keySet()) {
      unlessBusy(table.make(volume), state -> sweep(state, driver, containers));
    }
    return recovery;
  }

  /** Who is busy with a volume may wait for the very driver that takes over. */
  private void unlessBusy(VolumeState state, Consumer<VolumeState> step) {
    if (!state.lock.tryLock()) {
      return;
    }
    try {
      if (!state.forgotten) {
        step.accept(state);
      }
    } catch (GantryException e) { // the others are no less needed
      log.log(WARNING, "volume {0}: {1}", state.name, e.getMessage());
    } finally {
      table.forgetIfEmpty(state);
      state.lock.unlock();
    }
  }

  /** Without a record it was made, and an engine died or the record was damaged. */
  private void meet(VolumeState state, String driver, Volume volume) {
    learn(state, volume);
    if (state.record() != null || volume.labels().containsKey(Volume.EPHEMERAL)) {
      return;
    }
    var record =
        new VolumeRecord(
            volume.name(),
            driver,
            volume.options().isEmpty() ? null : volume.options(),
            volume.labels().isEmpty() ? null : volume.labels(),
            volume.created(),
            "",
            false,
            false,
            false);
    state.record(record);
    log.log(INFO, "took in volume {0}", volume.name());
    records.put(record);
  }

  private void sweep(VolumeState state, VolumeDriver driver, Set<String> containers) {
    var record = state.record();
    if (record == null) {
      return;
    }
    boolean ofNobody = !record.container().isEmpty() && !containers.contains(record.container());
    if (!state.users.isEmpty()) {
      if (ofNobody && !record.removing()) {
        passOn(state, record.container());
      }
      return;
    }
    if (record.removing() || ofNobody) {
      driver.remove(record.name());
      records.remove(record);
      state.record(null);
      log.log(INFO, "swept volume {0}", record.name());
    }
  }

  private void call(VolumeRecord record, Consumer<VolumeDriver> body) {
    ask(
        record,
        driver -> {
          body.accept(driver);
          return true;
        });
  }

  private <R> R ask(VolumeRecord record, Function<VolumeDriver, R> body) {
    return ask(record.driver(), body);
  }

  private <R> R ask(String name, Function<VolumeDriver, R> body) {
    boolean[] reached = {false};
    try {
      return drivers.call(
          name,
          driver -> {
            reached[0] = true;
            return body.apply(driver);
          });
    } catch (GantryException e) {
      if (reached[0] || e.kind() != NOT_FOUND) {
        throw e;
      }
      throw new GantryException(
          NOT_FOUND,
          "error looking up volume plugin %s: plugin \"%s\" not found".formatted(name, name),
          e);
    }
  }
}
