package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Removes containers. May be repeated until it succeeds. */
final class Removal {
  /** With copies of its files that are under way; the shorter one when they are to be ended. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final Duration GRACE = Duration.ofSeconds(2);

  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final Workshop shop;
  private final ContainerTable table;
  private final ContainerRecords records;
  private final OwnFiles files;
  private final Mounting mounting;
  private final Logging logging;
  private final Teller teller;

  Removal(
      Workshop shop,
      ContainerTable table,
      ContainerRecords records,
      OwnFiles files,
      Mounting mounting,
      Logging logging,
      Teller teller) {
    this.shop = shop;
    this.table = table;
    this.records = records;
    this.files = files;
    this.mounting = mounting;
    this.logging = logging;
    this.teller = teller;
  }

  /**
   * One that does not run.
   *
   * @param volumes its anonymous volumes go with it
   */
  void remove(Container container, boolean force, boolean volumes) {
    container.hold();
    try {
      container.requireThere();
      requireNotRunning(container, force);
      begin(container);
    } finally {
      container.lock.unlock();
    }
    var patience = force ? GRACE : PATIENCE;
    boolean all = volumes || container.record().ephemeral();
    finish(container, () -> container.files.takeForRemoval(patience, force), force, all);
  }

  private static void requireNotRunning(Container container, boolean force) {
    if (container.running() != null) {
      throw new GantryException(
          CONFLICT,
          "cannot remove container \""
              + container.record().name()
              + "\": "
              + (container.run().paused()
                  ? "container is paused and must be unpaused first"
                  : "container is running: stop the container before removing or force remove"));
    }
    if (!force && container.isRestarting()) {
      throw new GantryException(
          CONFLICT,
          "cannot remove container \""
              + container.record().name()
              + "\": container is restarting: stop the container before removing or force remove");
    }
  }

  /** The container's lock is held. From now on nobody starts it. */
  private static void begin(Container container) {
    container.removing(true);
    container.cancelRestart();
  }

  /** Whether nothing but its files is left of one that is to go with its end. */
  boolean isOver(Container container) {
    return container.running() == null && !container.isRemoved() && !container.isKept();
  }

  /**
   * One that {@link #isOver}; as by force, but for copies that are under way, which nobody asked to
   * end.
   *
   * @throws GantryException CONFLICT when its files are in use
   */
  void removeUnused(Container container) {
    container.lock.lock(); // whoever waits here is not asked again
    try {
      if (!isOver(container)) {
        return;
      }
      begin(container);
    } finally {
      container.lock.unlock();
    }
    finish(container, () -> container.files.takeForRemoval(Duration.ZERO, false), true, true);
  }

  /** The container's lock is not held over who has its files, nor over who ships its log. */
  private void finish(
      Container container, Supplier<FileGate.Hold> files, boolean force, boolean volumes) {
    ContainerRecord record;
    try (var undo = new Undo()) {
      undo.add(() -> container.removing(false));
      try (var hold = files.get()) {
        logging.leave(container);
        record = takeAway(container, force, volumes);
      }
      undo.keep();
    }
    releaseLayer(record);
    if (volumes) {
      awaitDrivers(container);
    }
    mounting.release(record, volumes);
    table.remove(container);
    container.pending.end();
    teller.tell(record, "destroy");
    container.waiters.removed();
    if (record.ephemeral()) { // it went with its end: nobody has asked for the space
      attempt("files", record, () -> this.files.remove(record.id()));
    }
  }

  /** Those of its last run may not be through with it, and a volume that is mounted stays. */
  private static void awaitDrivers(Container container) {
    try {
      container.left().get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException | ExecutionException e) { // the next engine sweeps what stays
      log.log(WARNING, "drivers have not let go of container " + container.id);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private ContainerRecord takeAway(Container container, boolean force, boolean volumes) {
    container.hold();
    try {
      container.requireThere();
      var record = container.record();
      shop.spare().spend(() -> takeAway(record, force, volumes));
      if (container.keepsRun()) {
        attempt("run directory", record, () -> files.removeRun(record.id()));
      }
      container.markRemoved();
      return record;
    } finally {
      container.lock.unlock();
    }
  }

  /** The record goes first: after a power cut it must not name what is gone. */
  private void takeAway(ContainerRecord record, boolean force, boolean volumes) {
    mounting.part(record, volumes);
    try (var undo = new Undo()) {
      undo.add(records.backAgain(record)::run);
      records.remove(record);
      removeSnapshot(record, force);
      undo.keep();
    }
    // There is no way back from here: what is left of it the next engine sweeps.
    attempt("run", record, () -> records.removeRun(record));
    if (!record.ephemeral()) {
      attempt("files", record, () -> files.remove(record.id()));
    }
  }

  private static void attempt(String what, ContainerRecord record, Runnable step) {
    try {
      step.run();
    } catch (GantryException e) {
      log.log(
          WARNING, what + " of " + record.id() + " left for the next engine: " + e.getMessage());
    }
  }

  private void releaseLayer(ContainerRecord record) {
    if (record.layer().isEmpty()) {
      return;
    }
    try {
      shop.images().release(record.layer());
    } catch (GantryException e) { // the container is gone all the same; the layer waits for a prune
      log.log(WARNING, "layer " + record.layer() + " stays for now: " + e.getMessage());
    }
  }

  /**
   * Without the driver, force lets the snapshot be: recovery removes it when the driver is back.
   */
  private void removeSnapshot(ContainerRecord record, boolean force) {
    try {
      shop.storage()
          .call(
              record.storageDriver(),
              driver -> {
                driver.remove(record.snapshot());
                return true;
              });
    } catch (GantryException e) {
      if (!force || (e.kind() != UNAVAILABLE && e.kind() != NOT_FOUND)) {
        throw e;
      }
      log.log(WARNING, "the root of " + record.id() + " stays for now: " + e.getMessage());
    }
  }
}
