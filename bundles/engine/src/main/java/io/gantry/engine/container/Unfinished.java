package io.gantry.engine.container;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.container.Wiring.Wires;
import io.gantry.monitor.ExitRecord;
import io.gantry.spi.GantryException;
import java.nio.file.Files;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;

/** Starts that an engine died in the middle of: the next one sees to it that they never were. */
final class Unfinished {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final Workshop shop;
  private final ContainerRecords records;
  private final Wiring wiring;
  private final Mounting mounting;

  Unfinished(Workshop shop, ContainerRecords records, Wiring wiring, Mounting mounting) {
    this.shop = shop;
    this.records = records;
    this.wiring = wiring;
    this.mounting = mounting;
  }

  /**
   * As if it had not been asked for; what is left in the kernel is for others to sweep, and what
   * drivers have of it the next start waits for. False when there was no such start.
   */
  boolean undoStart(Container container) {
    if (!isStart(container)) {
      return false;
    }
    var asked = container.run();
    container.run(Objects.requireNonNull(asked.before()));
    log.log(INFO, "the start of {0} was not finished", container.id);
    put(container);
    var record = container.record();
    var wires = wiring.giveUp(record, Wires.of(asked));
    var left = new CompletableFuture<Void>();
    container.left(left);
    try {
      shop.workers().execute(() -> letGo(record, wires, left));
    } catch (RejectedExecutionException e) {
      left.complete(null); // the engine stops: the driver's recovery finds what nobody needs
    }
    return true;
  }

  /**
   * Whether a container that is on record as running never began. An engine that dies before it has
   * committed a start takes the container with it: its monitor then removes its socket and leaves
   * the directory, while one that was killed leaves both and one that saw an end leaves a record of
   * it.
   */
  private boolean isStart(Container container) {
    var dir = shop.place().run(container.id);
    try {
      return container.run().before() != null
          && Files.isDirectory(dir)
          && Files.notExists(dir.resolve("ctl.sock"))
          && ExitRecord.read(dir).isEmpty();
    } catch (GantryException e) { // a record that cannot be read: it did end
      return false;
    }
  }

  private void letGo(ContainerRecord record, Wires wires, CompletableFuture<Void> left) {
    try {
      wiring.letGo(record.id(), wires);
      mounting.unmount(record, false);
    } finally {
      left.complete(null);
    }
  }

  private void put(Container container) {
    try {
      records.putRun(container.record(), container.run());
    } catch (GantryException e) { // it is found out again the next time
      log.log(WARNING, "the state of " + container.id + " is not written: " + e.getMessage());
    }
  }
}
