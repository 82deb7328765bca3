package io.gantry.engine.network;

import static java.lang.System.Logger.Level.ERROR;

import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.nio.file.Path;
import java.util.Collection;

/** Records of networks. */
final class NetworkRecords {
  private static final System.Logger log = System.getLogger("io.gantry.engine.network");
  private static final Schema SCHEMA = new Schema("network", 1, 0);

  private final RecordStore<NetworkRecord> store;

  NetworkRecords(Path dataRoot) {
    store = new RecordStore<>(dataRoot.resolve("networks"), SCHEMA, Form.of(NetworkRecord.class));
  }

  Collection<NetworkRecord> load() {
    var loaded = store.load();
    loaded.problems().forEach(problem -> log.log(ERROR, problem.reason()));
    return loaded.records().values();
  }

  /** Durable when it returns. */
  void put(NetworkRecord record) {
    store.put(record.id(), record, Durability.SYNCED);
  }

  void remove(NetworkRecord record) {
    store.remove(record.id(), Durability.SYNCED);
  }
}
