package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.spi.GantryException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Hosts files of containers that link to others in the default network: whoever is led to may come
 * again under another address while they run. Nothing is done for a start that nobody links to.
 */
final class LinkedHosts {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final Executor workers;
  private final ContainerTable table;
  private final Networking networking;
  private final OwnFiles files;

  /** Ids of those that run and link to others. */
  private final Set<String> linking = ConcurrentHashMap.newKeySet();

  LinkedHosts(Executor workers, ContainerTable table, Networking networking, OwnFiles files) {
    this.workers = workers;
    this.table = table;
    this.networking = networking;
    this.files = files;
  }

  /** A run that lives, or begins: its own file is as it should be. */
  void expect(ContainerRecord record) {
    if (Networking.isOnBridge(record.spec())
        && !record.spec().host().resolver().links().isEmpty()) {
      linking.add(record.id());
    }
  }

  /** It has addresses, which others are to know. */
  void begun(ContainerRecord record) {
    expect(record);
    for (String id : linking) {
      var parent = table.byId(id);
      if (parent != null && Links.lead(parent.record(), record.id())) {
        soon(parent);
      }
    }
  }

  void ended(String container) {
    linking.remove(container);
  }

  /** By a thread that holds no container. */
  private void soon(Container parent) {
    try {
      workers.execute(() -> write(parent));
    } catch (RejectedExecutionException e) {
      // the engine stops: the file is written with the next change
    }
  }

  private void write(Container parent) {
    try {
      parent.hold();
    } catch (GantryException e) {
      log.log(WARNING, "hosts of {0} are not written: {1}", parent.id, e.getMessage());
      return;
    }
    try {
      if (parent.running() != null) {
        var record = parent.record();
        files.writeEtc(record, networking.names(record, parent.run().places()));
      }
    } catch (GantryException e) {
      log.log(WARNING, "hosts of {0} are not written: {1}", parent.id, e.getMessage());
    } finally {
      parent.lock.unlock();
    }
  }
}
