package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.engine.network.Placed;
import io.gantry.engine.spec.Modes;
import io.gantry.monitor.MonitorLost;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Brings containers into networks and out of them. With the container's lock, as a start: a run
 * neither begins nor ends meanwhile for the engine, whatever becomes of its processes.
 */
final class Connecting {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final Workshop shop;
  private final ContainerRecords records;
  private final Networking networking;
  private final Republishing republishing;
  private final Starting starting;
  private final Serving serving;
  private final LinkedPorts linkedPorts;

  Connecting(
      Workshop shop,
      ContainerRecords records,
      Networking networking,
      Republishing republishing,
      Starting starting,
      Serving serving,
      LinkedPorts linkedPorts) {
    this.shop = shop;
    this.records = records;
    this.networking = networking;
    this.republishing = republishing;
    this.starting = starting;
    this.serving = serving;
    this.linkedPorts = linkedPorts;
  }

  /**
   * @param asked with the network's name
   */
  void connect(Container container, NetworkRequest asked) {
    container.hold();
    try {
      requireConnectable(container, asked.network());
      var wanted = new ArrayList<>(networking.wanted(container.record()));
      boolean there = wanted.stream().anyMatch(one -> one.network().equals(asked.network()));
      if (there && container.running() != null) {
        throw new GantryException(
            FORBIDDEN,
            "endpoint with name %s already exists in network %s"
                .formatted(container.record().name(), asked.network()));
      }
      wanted.removeIf(one -> one.network().equals(asked.network()));
      wanted.add(asked);
      var before = container.record();
      var changed = before.inNetworks(wanted);
      try (var undo = new Undo()) {
        undo.add(() -> records.put(before));
        records.put(changed);
        if (container.running() != null) {
          unlessEnded(container, joining -> join(container, changed, asked, joining));
        }
        undo.keep();
      }
      container.record(changed);
    } finally {
      container.lock.unlock();
    }
  }

  /** A run that is over, of which the engine is about to hear, is as one that is not there. */
  private static void unlessEnded(Container container, Consumer<Undo> change) {
    try (var undo = new Undo()) {
      change.accept(undo);
      undo.keep();
    } catch (GantryException e) {
      if (!MonitorLost.isIn(e) && !hasEnded(container.run())) {
        throw e;
      }
      log.log(INFO, "container {0} has ended meanwhile: {1}", container.id, e.getMessage());
    }
  }

  private static boolean hasEnded(RunRecord run) {
    try { // of a process that nobody has waited for yet there is only its record
      Files.readSymbolicLink(Path.of("/proc/" + run.pid() + "/ns/net"));
    } catch (IOException e) {
      return true;
    }
    return !Uptime.started(run.pid()).equals(OptionalLong.of(run.initStart()));
  }

  private void join(Container container, ContainerRecord changed, NetworkRequest asked, Undo undo) {
    var run = container.run();
    var places = run.places();
    var place = networking.placeIn(asked, container.id, places);
    undo.add(() -> shop.networks().leave(place));
    var attached = networking.attach(place, run.pid(), undo);
    undo.add(() -> shop.networks().disconnect(attached));
    linkedPorts.joins(changed, List.of(attached), undo);
    undo.add(() -> inside(container, InsideProgram.left(with(places, attached), attached)));
    container.requireRunning().monitor().inside(InsideProgram.joined(places, attached));
    var change = republishing.follow(container, changed, with(places, attached), undo);
    var now = run.in(with(places, attached), change.ports());
    undo.add(() -> serving.put(container.record(), places, run.ports()));
    serving.put(changed, now.places(), now.ports()); // first: whoever comes next asks for sockets
    if (!NetTables.hasNames(places) && NetTables.hasNames(now.places())) {
      container.requireRunning().monitor().serveBy(Path.of(serving.socket()));
    }
    undo.add(() -> records.putRun(changed, run));
    records.putRun(changed, now);
    starting.writeEtc(changed, now.places());
    container.run(now);
    republishing.settle(container, change);
    serving.linksChanged();
    networking.tellConnected(container.id, List.of(attached));
  }

  private static List<Placed> with(List<Placed> places, Placed further) {
    var all = new ArrayList<>(places);
    all.add(further);
    return all;
  }

  private void requireConnectable(Container container, String network) {
    container.requireThere();
    if (container.isRemoving()) {
      throw new GantryException(
          CONFLICT,
          "container "
              + container.id
              + " is marked for removal and cannot be connected or disconnected to the network");
    }
    String mode = container.record().spec().host().namespaces().network();
    if (mode.equals(Modes.HOST) || !Modes.container(mode).isEmpty()) {
      throw new GantryException(
          INVALID,
          "container sharing network namespace with another container or host cannot be connected"
              + " to any other network");
    }
    if (network.equals(Modes.HOST)) {
      throw new GantryException(
          INVALID,
          "cannot connect container to host network - container must be created in host network"
              + " mode");
    }
    boolean isPrivate =
        networking.wanted(container.record()).stream()
            .anyMatch(one -> one.network().equals(Modes.NONE));
    if (isPrivate || network.equals(Modes.NONE)) {
      throw new GantryException(
          INVALID,
          "container cannot be connected to multiple networks with one of the networks in private"
              + " (none) mode");
    }
  }

  /**
   * @param network its name
   */
  void disconnect(Container container, String network) {
    container.hold();
    try {
      container.requireThere();
      String mode = container.record().spec().host().namespaces().network();
      if (network.equals(Modes.HOST) && mode.equals(Modes.HOST)) {
        throw new GantryException(
            INVALID,
            "container cannot be disconnected from host network or connected to host network");
      }
      var wanted = new ArrayList<>(networking.wanted(container.record()));
      if (!wanted.removeIf(one -> one.network().equals(network))) {
        throw new GantryException(
            FORBIDDEN,
            "container %s is not connected to network %s".formatted(container.id, network));
      }
      var before = container.record();
      var changed = before.inNetworks(wanted);
      try (var undo = new Undo()) {
        undo.add(() -> records.put(before));
        records.put(changed);
        if (container.running() != null) {
          unlessEnded(container, parting -> part(container, changed, network, parting));
        }
        undo.keep();
      }
      container.record(changed);
    } finally {
      container.lock.unlock();
    }
  }

  private void part(Container container, ContainerRecord changed, String network, Undo undo) {
    var run = container.run();
    var gone =
        run.places().stream()
            .filter(place -> place.name().equals(network))
            .findFirst()
            .orElse(null);
    if (gone == null) {
      return;
    }
    var left = run.places().stream().filter(place -> place != gone).toList();
    var change = republishing.follow(container, changed, left, undo);
    undo.add(() -> serving.put(container.record(), run.places(), run.ports()));
    serving.put(changed, left, change.ports());
    var now = run.in(left, change.ports());
    undo.add(() -> records.putRun(container.record(), run));
    records.putRun(changed, now);
    shop.networks().disconnect(gone);
    // It is out, whatever fails from here on: what can be seen of it inside is the container's,
    // too.
    container.run(now);
    republishing.settle(container, change);
    if (gone.name().equals(Networking.BRIDGE)) {
      linkedPorts.leaves(container.id);
    }
    shop.networks().leave(gone); // its address is going to be another's
    attempt(container, () -> inside(container, InsideProgram.left(run.places(), gone)));
    attempt(container, () -> starting.writeEtc(changed, left));
    shop.networks().tell(gone, container.id, "disconnect");
  }

  private static void attempt(Container container, Runnable step) {
    try {
      step.run();
    } catch (GantryException e) {
      log.log(WARNING, "container {0} is not told: {1}", container.id, e.getMessage());
    }
  }

  /** One that cannot be visited any more, or by a monitor of old, is left to the driver. */
  private static void inside(Container container, @Nullable Bytes program) {
    if (program == null) {
      return;
    }
    try {
      container.requireRunning().monitor().inside(program);
    } catch (GantryException e) {
      if (e.kind() != CONFLICT && e.kind() != UNSUPPORTED && e.kind() != NOT_FOUND) {
        throw e;
      }
      log.log(WARNING, "container {0} is not told: {1}", container.id, e.getMessage());
    }
  }
}
