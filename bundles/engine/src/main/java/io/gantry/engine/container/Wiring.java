package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.network.NetworkKeeper;
import io.gantry.engine.network.Placed;
import io.gantry.engine.network.Published;
import io.gantry.engine.spec.Modes;
import io.gantry.monitor.Monitor;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What runs have of networks: taken step by step by a start, given back by its undo, by the end of
 * the run, or for a start that was cut short.
 *
 * <p>Addresses and ports are free for others only when nobody can have them any more: ports when
 * the monitor has gone, addresses when the namespace ends or, where others stay in it, when the
 * interface has been taken out.
 */
final class Wiring {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final NetworkKeeper networks;
  private final ContainerTable containers;
  private final Networking networking;
  private final Publishing publishing;
  private final Serving serving;
  private final LinkedPorts linkedPorts;
  private final LinkedHosts linkedHosts;

  /** Ids of those that are in the network namespace of another one, by its id. */
  private final Map<String, Set<String>> guests = new ConcurrentHashMap<>();

  Wiring(
      NetworkKeeper networks,
      ContainerTable containers,
      Networking networking,
      Publishing publishing,
      Serving serving,
      LinkedPorts linkedPorts,
      LinkedHosts linkedHosts) {
    this.networks = networks;
    this.containers = containers;
    this.networking = networking;
    this.publishing = publishing;
    this.serving = serving;
    this.linkedPorts = linkedPorts;
    this.linkedHosts = linkedHosts;
  }

  /**
   * All that one run has.
   *
   * @param shared others stay in its network namespace when it has ended
   */
  record Wires(List<Placed> places, List<Published> ports, boolean shared) {

    Wires(List<Placed> places, List<Published> ports) {
      this(places, ports, false);
    }

    static Wires of(RunRecord run) {
      return new Wires(run.places(), run.ports());
    }

    boolean areServed() {
      return Serving.isNeeded(places, ports);
    }

    /** Whether nothing comes inside: their namespace need not be there for it. */
    boolean areAlone() {
      return Networking.areAlone(places);
    }
  }

  // A start

  /** Addresses and ports that nobody else has, from here on. */
  Wires take(ContainerRecord record, Undo undo) {
    undo.add(() -> parts(record));
    comes(record);
    var places = networking.place(record, undo);
    return new Wires(places, publishing.take(record, places, undo));
  }

  /**
   * Before the monitor makes anything.
   *
   * @return where it hands sockets to; empty: it has none
   */
  String serve(ContainerRecord record, Wires wires, Monitor monitor, Undo undo) {
    if (!wires.areServed()) {
      return "";
    }
    undo.add(() -> serving.end(record.id()));
    return serving.begins(record.id(), monitor);
  }

  /** What a monitor says that could not have a port, in Docker's words. */
  GantryException refused(ContainerRecord record, Wires wires, GantryException e) {
    return publishing.refused(record, wires.places, wires.ports, e);
  }

  /** Waits for drivers if need be, for who does not wait for {@link #join}. */
  boolean ready(Wires wires) {
    return networking.ready(wires.places);
  }

  /** Has drivers make them for a process that waits: it finds its ports and names served. */
  Wires join(ContainerRecord record, Wires wires, long pid, Launching launching, Undo undo) {
    var attached = launching.call(() -> attach(record, wires.places, pid, undo));
    var joined = new Wires(attached, publishing.map(wires.ports, wires.places, undo));
    if (joined.areServed()) {
      serving.put(record, joined.places, joined.ports);
    }
    return joined;
  }

  private List<Placed> attach(ContainerRecord record, List<Placed> places, long pid, Undo undo) {
    var attached = networking.attach(places, pid, undo);
    linkedPorts.joins(record, attached, undo);
    return attached;
  }

  /** The run is one that all can see. */
  void begun(ContainerRecord record, Wires wires) {
    publishing.settle(wires.ports);
    serving.begun(record.id());
  }

  /** Who is led to it by a link finds it in its hosts file, too. */
  void tellConnected(ContainerRecord record, Wires wires) {
    networking.tellConnected(record.id(), wires.places);
    linkedHosts.begun(record.id());
  }

  // An end

  /**
   * A run is over, as all shall see at once.
   *
   * @return what is left, for {@link #letGo}
   */
  Wires leave(ContainerRecord record, Wires wires) {
    boolean shared = guests.containsKey(record.id());
    boolean addressed = shared || linkedPorts.concern(record.id()) || isReached(wires);
    parts(record);
    networks.ports().leave(wires.ports);
    for (var place : wires.places) {
      if (!addressed) {
        networks.leave(place);
      }
      networks.tell(place, record.id(), "disconnect");
    }
    serving.ended(record.id());
    return new Wires(wires.places, wires.ports, shared);
  }

  /** Whether drivers let clients come to its addresses. */
  private boolean isReached(Wires wires) {
    return !wires.ports.isEmpty() && wires.places.stream().anyMatch(networks.openings()::lets);
  }

  /** A start that an engine before this one did not finish: as if it had not been asked for. */
  Wires giveUp(ContainerRecord record, Wires wires) {
    parts(record);
    serving.end(record.id());
    return wires;
  }

  /** Nobody is left to hear of a failure: the drivers' recovery does it the next time. */
  void letGo(String container, Wires wires) {
    publishing.leave(container, wires.ports);
    linkedPorts.leaves(container);
    for (var place : wires.places) {
      try {
        if (wires.shared) {
          networks.disconnect(place);
        } else {
          networks.detach(place);
        }
      } catch (GantryException e) {
        log.log(WARNING, "cannot detach " + container + " from " + place.name(), e);
      }
      networks.leave(place);
      sweep(place);
    }
  }

  private void sweep(Placed place) {
    try {
      networks.sweep(place);
    } catch (GantryException e) {
      log.log(WARNING, "network {0}, which has no record, is not removed: {1}", place.name(), e);
    }
  }

  // Sharers

  private void comes(ContainerRecord record) {
    String donor = donor(record);
    if (!donor.isEmpty()) {
      guests.computeIfAbsent(donor, none -> ConcurrentHashMap.newKeySet()).add(record.id());
    }
  }

  private void parts(ContainerRecord record) {
    String donor = donor(record);
    if (!donor.isEmpty()) {
      guests.computeIfPresent(
          donor,
          (id, there) -> {
            there.remove(record.id());
            return there.isEmpty() ? null : there;
          });
    }
  }

  /** Id of whom it shares the network of; empty: nobody's, or of one that is not there. */
  private String donor(ContainerRecord record) {
    String ref = Modes.container(record.spec().host().namespaces().network());
    if (ref.isEmpty()) {
      return "";
    }
    try {
      return containers.find(ref).id;
    } catch (GantryException e) {
      return "";
    }
  }

  /** Recovery: what a run that may live has. */
  void expect(Container container) {
    networking.expect(container);
    if (container.run().running()) {
      comes(container.record());
      linkedPorts.expect(container.record(), container.run().places());
    }
  }
}
