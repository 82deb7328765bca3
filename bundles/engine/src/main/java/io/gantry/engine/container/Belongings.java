package io.gantry.engine.container;

import io.gantry.engine.network.Published;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.PortMapping;
import io.gantry.spi.storage.StorageDriver;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What containers have in the keeping of each driver: one that takes over is told of it. */
final class Belongings {
  private final ContainerTable table;
  private final Networking networking;
  private final Logging logging;

  Belongings(ContainerTable table, Networking networking, Logging logging) {
    this.table = table;
    this.networking = networking;
    this.logging = logging;
  }

  /** Keeps in mind how a driver's containers are mounted: clients look at it at any time. */
  void learnRoots(String storageDriver, StorageDriver driver) {
    for (Container container : table.all()) {
      if (container.record().storageDriver().equals(storageDriver)) {
        try {
          container.root(driver.mounts(container.record().snapshot()));
        } catch (GantryException e) {
          container.root(List.of()); // it is lost, which recovery has said
        }
      }
    }
  }

  /** Snapshots that records name, in one storage driver. */
  Set<String> snapshots(String storageDriver) {
    return table.all().stream()
        .filter(container -> !container.isRemoving())
        .map(Container::record)
        .filter(record -> record.storageDriver().equals(storageDriver))
        .map(ContainerRecord::snapshot)
        .collect(Collectors.toSet());
  }

  /**
   * Snapshots, in any storage driver, of containers that are there, being made or being removed.
   */
  Set<String> snapshots() {
    return table.ids().stream().map(Creation::snapshotOf).collect(Collectors.toSet());
  }

  /** Ids of containers that are there, being made or being removed. */
  Set<String> ids() {
    return table.ids();
  }

  /** Tasks that records name, of one exec driver. */
  Set<String> tasks(String execDriver) {
    return table.all().stream()
        .map(Container::record)
        .filter(record -> record.execDriver().equals(execDriver))
        .map(ContainerRecord::id)
        .collect(Collectors.toSet());
  }

  /** Containers whose logs a driver ships; it has to be told of them again. */
  Set<String> shipped(String logDriver) {
    logging.shipping().reopen(logDriver);
    return logging.shipping().of(logDriver);
  }

  /** Networks there are, for the driver that makes them. */
  List<Network> networks(String networkDriver) {
    return networking.keeper().table().networksOf(networkDriver);
  }

  /** Ports that lead to containers that run, or are about to, by way of a mapper. */
  List<PortMapping> mappings(String mapper) {
    var onTheWay = networking.keeper().ports().onTheWay(); // first: they become those of runs
    var all = new LinkedHashMap<String, Published>();
    table.all().stream()
        .flatMap(container -> container.run().ports().stream())
        .forEach(port -> all.put(port.id(), port));
    onTheWay.forEach(port -> all.put(port.id(), port)); // a run's may be on the way elsewhere
    return all.values().stream()
        .filter(port -> port.mapper().equals(mapper))
        .map(Published::mapping)
        .toList();
  }

  /** What a network driver has given to containers that run, or is about to. */
  List<Attachment> attachments(String networkDriver) {
    var all = new LinkedHashMap<String, Attachment>();
    for (var place : networking.keeper().table().inhabitants(networkDriver)) { // first, as above
      all.put(place.endpoint(), place.madeOrNone());
    }
    for (var container : table.all()) {
      for (var place : container.run().places()) {
        if (place.driver().equals(networkDriver)) {
          all.put(place.endpoint(), place.madeOrNone());
        }
      }
    }
    return List.copyOf(all.values());
  }
}
