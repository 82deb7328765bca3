package io.gantry.engine.network;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.driver.NamedDrivers;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.NetworkDriver;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * What networks let pass beside what their options say: links between containers of the default
 * network, and published ports where clients come to containers' own addresses. A network's driver
 * is told of each change, and of all of it when it takes over. Until it knows, addresses that it
 * may let clients come to are nobody else's ({@link NetworkKeeper#leave}).
 */
public final class Openings {
  private static final System.Logger log = System.getLogger("io.gantry.engine.network");

  private final NetworkTable table;
  private final NamedDrivers<NetworkDriver> drivers;
  private final Consumer<NetworkState> told;

  /**
   * @param told hears of networks whose drivers know what they let pass
   */
  Openings(NetworkTable table, NamedDrivers<NetworkDriver> drivers, Consumer<NetworkState> told) {
    this.table = table;
    this.drivers = drivers;
    this.told = told;
  }

  // Links

  /** Recovery: links between runs that may live. */
  public void expectLinks(List<Network.Link> links) {
    var state = table.bridge();
    if (state != null) {
      state.links(links);
    }
  }

  /**
   * What passes from now on between containers that the default network keeps apart.
   *
   * @param links asked for when nobody else changes them
   * @throws GantryException where the driver fails; it is told again with the next change
   */
  public void link(Supplier<List<Network.Link>> links) {
    var state = table.bridge();
    if (state != null) {
      tell(state, () -> state.links(links.get()), NetworkDriver::link);
    }
  }

  // Ports

  /** Whether clients come to ports of a run at its own address. */
  public boolean lets(Placed place) {
    return table.leadsToContainers(place.network());
  }

  /** Recovery: ports of a run that may live. */
  public void expect(Placed place, List<Published> ports) {
    var state = table.get(place.network());
    if (state != null && lets(place)) {
      put(state, place, ports);
    }
  }

  private static boolean put(NetworkState state, Placed place, List<Published> ports) {
    var target = Target.of(place);
    boolean changed = false;
    for (var port : ports) {
      if (target.isOf(port) && !port.changesFamily()) {
        changed |= !opened(port).equals(state.ports.put(port.id(), opened(port)));
      }
    }
    return changed;
  }

  private static Network.Port opened(Published port) {
    return new Network.Port(port.address(), port.protocol(), port.port());
  }

  /**
   * Lets clients come to ports of a run that has this place; does nothing where they come to ports
   * of the host alone.
   *
   * @throws GantryException where the driver fails
   */
  public void open(Placed place, List<Published> ports) {
    var state = table.get(place.network());
    if (state != null && lets(place) && put(state, place, ports)) {
      tell(state, () -> {}, NetworkDriver::open);
    }
  }

  /** Takes that back. A driver that fails is told again with the network's next change. */
  public void close(List<Published> ports) {
    for (var state : table.all()) {
      var gone = new ArrayList<>(ports);
      gone.removeIf(port -> !state.ports.remove(port.id(), opened(port)));
      try {
        if (!gone.isEmpty()) {
          tell(state, () -> {}, NetworkDriver::open);
        }
      } catch (GantryException e) {
        log.log(WARNING, "ports stay open in {0}: {1}", state.record().name(), e.getMessage());
      }
    }
  }

  private void tell(NetworkState state, Runnable change, BiConsumer<NetworkDriver, Network> verb) {
    state.changed();
    state.hold();
    try {
      long changes = state.changes();
      change.run();
      if (state.isMade()) {
        drivers.call(state.record().driver(), driver -> verb.accept(driver, state.network()));
      }
      state.told(changes);
    } finally {
      state.letGo();
    }
    told.accept(state);
  }
}
