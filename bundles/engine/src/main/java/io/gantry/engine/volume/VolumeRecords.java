package io.gantry.engine.volume;

import static java.lang.System.Logger.Level.ERROR;

import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Records of volumes; those of {@code --rm} containers' own in the exec root only. */
final class VolumeRecords {
  private static final System.Logger log = System.getLogger("io.gantry.engine.volume");
  private static final Schema SCHEMA = new Schema("volume", 1, 0);

  private final RecordStore<VolumeRecord> durable;
  private final RecordStore<VolumeRecord> ephemeral;

  VolumeRecords(Path dataRoot, Path execRoot) {
    var form = Form.of(VolumeRecord.class);
    durable = new RecordStore<>(dataRoot.resolve("volumes"), SCHEMA, form);
    ephemeral = new RecordStore<>(execRoot.resolve("volumes"), SCHEMA, form);
  }

  /** All that can be read; what a damaged one was about is found again at its driver. */
  Map<String, VolumeRecord> load() {
    Map<String, VolumeRecord> all = new HashMap<>();
    for (var store : List.of(ephemeral, durable)) {
      var loaded = store.load();
      all.putAll(loaded.records());
      loaded.problems().forEach(problem -> log.log(ERROR, problem.reason()));
    }
    return all;
  }

  /** Durable when it returns, unless the volume is ephemeral. */
  void put(VolumeRecord record) {
    if (record.ephemeral()) {
      ephemeral.put(record.name(), record, Durability.LAZY);
    } else {
      durable.put(record.name(), record, Durability.SYNCED);
    }
  }

  /** What is on record is so from then on. */
  void put(VolumeState state, VolumeRecord changed) {
    put(changed);
    state.record(changed);
  }

  void remove(VolumeRecord record) {
    if (record.ephemeral()) {
      ephemeral.remove(record.name(), Durability.LAZY);
    } else {
      durable.remove(record.name(), Durability.SYNCED);
    }
  }

  /** One that was ephemeral and is not any more. */
  void settle(VolumeRecord lasting) {
    put(lasting);
    ephemeral.remove(lasting.name(), Durability.LAZY);
  }
}
