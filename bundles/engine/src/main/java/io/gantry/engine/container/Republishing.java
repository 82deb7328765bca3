package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.HostSpec.PortRequest;
import io.gantry.engine.network.Binding;
import io.gantry.engine.network.Placed;
import io.gantry.engine.network.PortKeeper.Wish;
import io.gantry.engine.network.PortMove;
import io.gantry.engine.network.Published;
import io.gantry.engine.spec.Modes;
import io.gantry.monitor.HostListener;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Changes ports of containers, of running ones at once, with the container's lock. Those that stay
 * are not touched, nor are their connections.
 *
 * <p>What is added is made first and written down last, what is taken away the other way round: an
 * engine that dies in between leaves ports that no record wants, and {@link #settle} takes them
 * away.
 */
final class Republishing {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final ContainerRecords records;
  private final Publishing publishing;
  private final Serving serving;
  private final Teller teller;

  Republishing(ContainerRecords records, Publishing publishing, Serving serving, Teller teller) {
    this.records = records;
    this.publishing = publishing;
    this.serving = serving;
    this.teller = teller;
  }

  // By users

  void publish(Container container, List<PortRequest> ports) {
    var more = wishes(ports);
    more.forEach(Wish::check);
    container.hold();
    try (var undo = new Undo()) {
      requirePublishable(container);
      var before = container.record();
      var all = new ArrayList<>(before.spec().host().publishing().ports());
      for (int i = 0; i < ports.size(); i++) {
        requireApart(more.get(i), wishes(all));
        all.add(ports.get(i));
      }
      var changed = before.publishing(all);
      if (container.running() != null) {
        var added = add(container, before, more, container.run().places(), undo);
        var run = container.run();
        undo.add(() -> put(container, before, run));
        put(container, before, run.in(run.places(), with(run.ports(), added)));
        publishing.settle(added);
        serving.begun(container.id);
      }
      write(container, changed, undo);
      undo.keep();
    } finally {
      container.lock.unlock();
    }
  }

  void unpublish(Container container, List<PortRequest> ports) {
    container.hold();
    try (var undo = new Undo()) {
      requirePublishable(container);
      var before = container.record();
      var run = container.run();
      var wanted = before.spec().host().publishing().ports();
      var bindings = new ArrayList<>(Binding.of(wishes(wanted), run.ports(), binding(run)));
      var left = new ArrayList<>(wanted);
      var gone = new ArrayList<Published>();
      for (var named : wishes(ports)) {
        int at = find(bindings, named, before);
        gone.addAll(bindings.remove(at).ports());
        left.remove(at);
      }
      var changed = before.publishing(left);
      undo.add(() -> records.put(before));
      records.put(changed);
      if (container.running() != null && !gone.isEmpty()) {
        withdraw(container, changed, gone);
      }
      undo.keep();
      container.record(changed);
      teller.tell(changed, "update");
    } finally {
      container.lock.unlock();
    }
  }

  private static int find(List<Binding> bindings, Wish named, ContainerRecord record) {
    for (int i = 0; i < bindings.size(); i++) {
      if (bindings.get(i).isMeantBy(named)) {
        return i;
      }
    }
    throw new GantryException(
        NOT_FOUND, "No public port '" + named.port() + "' published for " + record.name());
  }

  private static List<Wish> wishes(List<PortRequest> ports) {
    return ports.stream()
        .map(port -> new Wish(port.port(), port.hostAddress(), port.hostPort()))
        .toList();
  }

  private static void requirePublishable(Container container) {
    container.requireThere();
    if (container.isRemoving()) {
      throw new GantryException(
          CONFLICT, "container is marked for removal and cannot be \"update\"");
    }
    String mode = container.record().spec().host().namespaces().network();
    if (!Modes.container(mode).isEmpty()) {
      throw new GantryException(
          INVALID, "conflicting options: port publishing and the container type network mode");
    }
    if (mode.equals(Modes.HOST)) {
      throw new GantryException(
          INVALID, "Published ports are discarded when using host network mode");
    }
  }

  private static void requireApart(Wish wish, List<Wish> others) {
    if (others.stream().anyMatch(wish::excludes)) {
      throw wish.refusal();
    }
  }

  private void write(Container container, ContainerRecord changed, Undo undo) {
    var before = container.record();
    undo.add(() -> records.put(before));
    records.put(changed);
    container.record(changed);
    teller.tell(changed, "update");
  }

  /** What is published on no address of its own is published there. */
  private String binding(RunRecord run) {
    return binding(publishing.reached(run.places()));
  }

  private String binding(@Nullable Placed place) {
    return place == null ? "" : publishing.binding(place);
  }

  // With networks that come and go

  /**
   * @param ports that a run has from now on
   * @param gone those of before that are still to be given back
   */
  record Change(List<Published> ports, List<Published> gone) {}

  /**
   * Has ports follow where a run's default route goes to: they are led to the place that carries
   * them then.
   *
   * @param places that the run will have
   */
  Change follow(Container container, ContainerRecord record, List<Placed> places, Undo undo) {
    var ports = container.run().ports();
    var wishes = Publishing.wishes(record.spec());
    var place = publishing.reached(places);
    if (wishes.isEmpty() || place == null) {
      return new Change(List.of(), ports);
    }
    var target = publishing.target(place);
    if (!ports.isEmpty() && ports.stream().allMatch(target::isOf)) {
      return new Change(ports, List.of());
    }
    String from = binding(container.run());
    var move = PortMove.of(wishes, ports, from, publishing.binding(place), target);
    giveUp(container, move.gone(), undo); // first: what takes their place may be the same ports
    var added = add(container, record, move.wanted(), places, undo);
    var before = ports.stream().filter(port -> !move.gone().contains(port)).toList();
    undo.add(() -> publishing.mapAgain(before, container.run().places()));
    var moved = publishing.map(move.staying(), places, undo);
    publishing.close(before, moved);
    var mappers = moved.stream().map(Published::mapper).toList();
    publishing.unmap(
        container.id, before.stream().filter(port -> !mappers.contains(port.mapper())).toList());
    return new Change(with(moved, added), List.of());
  }

  private void giveUp(Container container, List<Published> gone, Undo undo) {
    if (!gone.isEmpty()) {
      var monitor = container.requireRunning().monitor();
      undo.add(
          () -> {
            monitor.listen(Published.listeners(gone));
            publishing.takeAgain(gone, container.run().places());
          });
      release(container, gone);
    }
  }

  /** Reserves and leads, which {@code undo} takes back. */
  private List<Published> add(
      Container container,
      ContainerRecord record,
      List<Wish> wishes,
      List<Placed> places,
      Undo undo) {
    var run = container.run();
    var ports = publishing.take(record, wishes, places, run.ports(), undo);
    if (ports.isEmpty()) {
      return ports; // nothing leads to it: they come when it comes into a network
    }
    var listeners = Published.listeners(ports);
    if (!listeners.isEmpty()) {
      listen(container, record, places, ports, listeners, undo);
    }
    return publishing.map(ports, places, undo);
  }

  private void listen(
      Container container,
      ContainerRecord record,
      List<Placed> places,
      List<Published> ports,
      List<HostListener> listeners,
      Undo undo) {
    var monitor = container.requireRunning().monitor();
    undo.add(() -> monitor.unlisten(listeners));
    try {
      monitor.listen(listeners);
    } catch (GantryException e) {
      throw publishing.refused(record, places, ports, e);
    }
    var run = container.run();
    if (!Serving.isNeeded(run.places(), run.ports())) {
      undo.add(() -> serving.begun(container.id));
      serving.joins(container.id, monitor);
    }
  }

  /** Gives ports of a run back, which has all others still. */
  private void withdraw(Container container, ContainerRecord record, List<Published> gone) {
    release(container, gone);
    var run = container.run();
    var left = run.ports().stream().filter(port -> !gone.contains(port)).toList();
    put(container, record, run.in(run.places(), left));
  }

  private void release(Container container, List<Published> gone) {
    if (!gone.isEmpty()) {
      container.requireRunning().monitor().unlisten(Published.listeners(gone));
      publishing.leave(container.id, gone);
    }
  }

  /** The run has those ports now; what it has no more is given back. */
  void settle(Container container, Change change) {
    publishing.settle(change.ports());
    serving.begun(container.id);
    try {
      release(container, change.gone());
    } catch (GantryException e) { // they lead nowhere, and the run's end gives them back
      log.log(WARNING, "ports of {0} stay reserved: {1}", container.id, e.getMessage());
    }
  }

  private void put(Container container, ContainerRecord record, RunRecord run) {
    records.putRun(record, run);
    container.run(run);
    serving.put(record, run.places(), run.ports());
  }

  private static List<Published> with(List<Published> ports, List<Published> further) {
    var all = new ArrayList<>(ports);
    all.addAll(further);
    return all;
  }

  // After a crash

  /**
   * Takes away what a change that was not finished has left.
   *
   * @param held what the monitor reserves
   */
  void settle(Container container, List<HostListener> held) {
    var run = container.run();
    var wishes = Publishing.wishes(container.record().spec());
    var left = new ArrayList<>(run.ports());
    left.removeIf(port -> wishes.stream().anyMatch(wish -> wish.allows(port, port.hostAddress())));
    var wanted = new ArrayList<>(run.ports());
    wanted.removeAll(left);
    var unknown = new ArrayList<>(held);
    unknown.removeAll(Published.listeners(wanted));
    if (left.isEmpty() && unknown.isEmpty()) {
      return;
    }
    log.log(INFO, "a change of ports of {0} was not finished", container.id);
    try {
      container.requireRunning().monitor().unlisten(unknown);
      publishing.leave(container.id, left);
      var now = run.in(run.places(), wanted);
      records.putRun(container.record(), now);
      container.run(now);
    } catch (GantryException e) { // the next engine tries
      log.log(WARNING, "ports of {0} that nobody wants: {1}", container.id, e.getMessage());
    }
  }
}
