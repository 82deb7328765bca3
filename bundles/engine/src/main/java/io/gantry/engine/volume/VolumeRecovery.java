package io.gantry.engine.volume;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.volume.Volume;
import io.gantry.spi.volume.VolumeDriver;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** A driver of volumes takes over: after a start of the engine, and after each of its updates. */
final class VolumeRecovery {
  private static final System.Logger log = System.getLogger("io.gantry.engine.volume");

  private final VolumeTable table;
  private final VolumeRecords records;
  private final BiConsumer<VolumeState, String> passOn;

  /**
   * @param passOn keeps a volume whose owner has gone for the others that have it
   */
  VolumeRecovery(VolumeTable table, VolumeRecords records, BiConsumer<VolumeState, String> passOn) {
    this.table = table;
    this.records = records;
    this.passOn = passOn;
  }

  /**
   * Tells a driver that takes over what there is, takes in what it has beyond that, and finishes
   * what was begun.
   *
   * @param containers ids of all containers that are there or may be
   */
  Recovery recover(String name, VolumeDriver driver, Set<String> containers) {
    Map<String, Set<String>> expected = new HashMap<>();
    for (var state : table.states()) {
      if (isOf(state, name)) {
        expected.put(state.name, Set.copyOf(state.holders));
      }
    }
    var recovery = driver.recover(expected);
    for (Volume volume : driver.list()) {
      var state = table.make(volume.name());
      state.learn(volume);
      unlessBusy(state, free -> meet(free, name, volume));
    }
    for (String volume : expected.keySet()) {
      unlessBusy(table.make(volume), state -> sweep(state, driver, containers));
    }
    return recovery;
  }

  /** One that a container has is expected although its own record is lost. */
  private static boolean isOf(VolumeState state, String driver) {
    var record = state.record();
    return record != null
        ? record.driver().equals(driver)
        : !state.users.isEmpty() && state.saidDriver.equals(driver);
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
    boolean ephemeral = volume.labels().containsKey(Volume.EPHEMERAL);
    String user = state.users.stream().findFirst().orElse("");
    if (state.record() != null || (ephemeral && user.isEmpty())) {
      return;
    }
    var labels = new TreeMap<>(volume.labels());
    labels.remove(Volume.EPHEMERAL);
    var record =
        new VolumeRecord(
            volume.name(),
            driver,
            volume.options().isEmpty() ? null : volume.options(),
            labels.isEmpty() ? null : labels,
            volume.created(),
            ephemeral ? user : "",
            ephemeral,
            false,
            false,
            volume.path());
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
        passOn.accept(state, record.container());
      }
      return;
    }
    if (record.removing() || ofNobody) {
      driver.remove(record.name());
      records.remove(record);
      state.gone();
      log.log(INFO, "swept volume {0}", record.name());
    }
  }
}
