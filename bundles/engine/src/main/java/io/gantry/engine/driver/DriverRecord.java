package io.gantry.engine.driver;

import static java.lang.System.Logger.Level.ERROR;

import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.lang.System.Logger;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/** Keeps the durable list of drivers in memory and on disk. */
final class DriverRecord {

  private static final Logger log = System.getLogger(DriverRecord.class.getName());
  private static final String KEY = "drivers";

  private final RecordStore<DriverList> store;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile DriverList list;

  DriverRecord(Path folder) {
    store = new RecordStore<>(folder, new Schema("driver list", 1, 0), Form.of(DriverList.class));
    var loaded = store.load();
    loaded.problems().forEach(problem -> log.log(ERROR, "{0}", problem.reason()));
    list = loaded.records().getOrDefault(KEY, DriverList.EMPTY);
  }

  DriverList get() {
    return list;
  }

  /** Changes the list; nothing is written when nothing changes. */
  void change(UnaryOperator<DriverList> change) {
    lock.lock();
    try {
      DriverList changed = change.apply(list);
      if (!changed.equals(list)) {
        store.put(KEY, changed, Durability.SYNCED);
        list = changed;
      }
    } finally {
      lock.unlock();
    }
  }
}
