package io.gantry.engine.container;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.disk.SpareDisk;
import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;

/**
 * Records of containers and of their runs. Those of containers that go when they end ({@code --rm})
 * are in the exec root only. Runs are written to the exec root, where a crash does not lose them;
 * {@link RunCopies} copies them to the data root, where a reboot finds them.
 */
final class ContainerRecords {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final Schema CONTAINER = new Schema("container", 2, 0);
  private static final Schema RUN = new Schema("run", 1, 0);

  private final RecordStore<ContainerRecord> durable;
  private final RecordStore<ContainerRecord> ephemeral;
  private final RecordStore<RunRecord> runs;
  private final RunCopies copies;
  private final SpareDisk spare;

  /**
   * All there was.
   *
   * @param broken ids of containers whose record is there but cannot be read: what belongs to them
   *     must not be swept
   */
  record Loaded(
      Map<String, ContainerRecord> containers, Map<String, RunRecord> runs, Set<String> broken) {}

  /**
   * @param later runs what it is given after a while, on a thread that may block
   */
  ContainerRecords(Place place, Executor later, SpareDisk spare) {
    this.spare = spare;
    var container = Form.of(ContainerRecord.class);
    var run = Form.of(RunRecord.class);
    durable = new RecordStore<>(place.dataRoot().resolve("containers"), CONTAINER, container);
    ephemeral = new RecordStore<>(place.execRoot().resolve("containers"), CONTAINER, container);
    runs = new RecordStore<>(place.execRoot().resolve("runs"), RUN, run);
    copies = new RunCopies(new RecordStore<>(place.dataRoot().resolve("runs"), RUN, run), later);
  }

  Loaded load() {
    var broken = new HashSet<String>();
    var containers = new HashMap<String, ContainerRecord>();
    for (var store : Set.of(durable, ephemeral)) {
      var loaded = store.load();
      containers.putAll(loaded.records());
      for (var problem : loaded.problems()) {
        log.log(ERROR, problem.reason());
        broken.add(String.valueOf(problem.file().getFileName()).replaceFirst("\\..*", ""));
      }
    }
    var copied = copies.load();
    var present = runs.load();
    present.problems().forEach(problem -> log.log(WARNING, problem.reason()));
    var lastRuns = new HashMap<>(copied);
    lastRuns.putAll(present.records());
    copyAgain(containers, copied, present.records());
    return new Loaded(containers, lastRuns, broken);
  }

  /** What a crash kept from being copied: a reboot may come before the container's next change. */
  private void copyAgain(
      Map<String, ContainerRecord> containers,
      Map<String, RunRecord> copied,
      Map<String, RunRecord> present) {
    present.forEach(
        (id, run) -> {
          var container = containers.get(id);
          if (container != null && !container.ephemeral() && !run.equals(copied.get(id))) {
            copies.put(id, run);
          }
        });
  }

  /** Durable when it returns, unless the container is ephemeral. */
  void put(ContainerRecord record) {
    if (record.ephemeral()) {
      ephemeral.put(record.id(), record, Durability.LAZY);
    } else {
      durable.put(record.id(), record, Durability.SYNCED);
    }
  }

  /** As {@link #put}, for what is to end: on a full disk too, as long as the reserve lasts. */
  void putStopped(ContainerRecord record) {
    spare.spend(() -> put(record));
  }

  void putRun(ContainerRecord record, RunRecord run) {
    runs.put(record.id(), run, Durability.LAZY);
    if (!record.ephemeral()) {
      copies.put(record.id(), run);
    }
  }

  /** Leaves nothing that a clean end of the engine would lose. */
  void flush() {
    copies.flush();
  }

  /** Puts one back that is about to be removed, as it is on disk. */
  Runnable backAgain(ContainerRecord record) {
    var back =
        record.ephemeral()
            ? ephemeral.backAgain(record.id(), Durability.LAZY)
            : durable.backAgain(record.id(), Durability.SYNCED);
    return () -> back.accept(record);
  }

  /** Durable when it returns; the run stays. */
  void remove(ContainerRecord record) {
    if (record.ephemeral()) {
      ephemeral.remove(record.id(), Durability.LAZY);
    } else {
      durable.remove(record.id(), Durability.SYNCED);
    }
  }

  void removeRun(ContainerRecord record) {
    runs.remove(record.id(), Durability.LAZY);
    if (!record.ephemeral()) {
      copies.remove(record.id());
    }
  }

  /** Of a container that is no more. */
  void sweepRun(String id) {
    runs.remove(id, Durability.LAZY);
    copies.remove(id);
  }
}
