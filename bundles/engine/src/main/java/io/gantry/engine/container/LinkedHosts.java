package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.spi.GantryException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Hosts files of containers that link to others in the default network: whoever is led to may come
 * again under another address while they run. Nothing is done for a start that nobody links to.
 */
final class LinkedHosts {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final Executor workers;
  private final LinkedPorts ports;
  private final Networking networking;
  private final OwnFiles files;

  LinkedHosts(Executor workers, LinkedPorts ports, Networking networking, OwnFiles files) {
    this.workers = workers;
    this.ports = ports;
    this.networking = networking;
    this.files = files;
  }

  /** It has addresses, which others are to know. */
  void begun(String container) {
    ports.linkingTo(container).forEach(this::soon);
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
