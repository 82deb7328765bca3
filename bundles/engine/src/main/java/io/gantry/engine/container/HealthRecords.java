package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Health;
import io.gantry.spi.GantryException;
import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Health of containers that run, in the exec root: it changes too often for the disk, and a reboot
 * ends the runs it is about. When a run ends it goes into that run's record.
 */
final class HealthRecords {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final Schema HEALTH = new Schema("health", 1, 0);

  private final RecordStore<HealthRecord> store;
  private final Map<String, HealthRecord> found = new ConcurrentHashMap<>();

  HealthRecords(Place place) {
    store =
        new RecordStore<>(place.execRoot().resolve("health"), HEALTH, Form.of(HealthRecord.class));
  }

  /** Reads what the engine before left. */
  void load() {
    var loaded = store.load();
    loaded.problems().forEach(problem -> log.log(WARNING, problem.reason()));
    found.putAll(loaded.records());
  }

  /** What the engine before left of one run, once; what it left of others goes. */
  @Nullable Health take(String id, long initStart) {
    var record = found.remove(id);
    return record == null || record.initStart() != initStart ? null : record.health();
  }

  /**
   * Removes what is about containers that do not run.
   *
   * @param running tells of an id; a monitor that is silent may yet answer
   */
  void sweep(Predicate<String> running) {
    for (String id : Set.copyOf(found.keySet())) {
      if (!running.test(id)) {
        found.remove(id);
        remove(id);
      }
    }
  }

  void put(String id, HealthRecord record) {
    try {
      store.put(id, record, Durability.LAZY);
    } catch (GantryException e) { // a full exec root: the streak lives in memory
      log.log(WARNING, "health of {0} is not written: {1}", id, e.getMessage());
    }
  }

  void remove(String id) {
    try {
      store.remove(id, Durability.LAZY);
    } catch (GantryException e) { // the next engine sweeps it
      log.log(WARNING, "health of {0} is not removed: {1}", id, e.getMessage());
    }
  }
}
