package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.network.NetworkKeeper;
import io.gantry.engine.network.Placed;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import io.gantry.spi.network.Network;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Ports that links lead to in the default network: its driver lets them pass where containers are
 * kept apart. Nothing is done for a start or an end that no link has to do with.
 */
final class LinkedPorts {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final NetworkKeeper networks;
  private final ContainerTable table;

  /** Addresses in the default network of those that run or are about to, by id. */
  private final Map<String, String> addresses = new ConcurrentHashMap<>();

  /** Ids of those of them that link to others. */
  private final Set<String> linking = ConcurrentHashMap.newKeySet();

  LinkedPorts(NetworkKeeper networks, ContainerTable table) {
    this.networks = networks;
    this.table = table;
  }

  /** Recovery: a run that may live. The network's driver takes over later. */
  void expect(ContainerRecord record, List<Placed> places) {
    if (add(record, places)) {
      networks.openings().expectLinks(links());
    }
  }

  /**
   * It has a place, and others find its ports open before it begins.
   *
   * @throws GantryException where the driver fails
   */
  void joins(ContainerRecord record, List<Placed> places, Undo undo) {
    if (!Links.addressIn(places).isEmpty()) {
      undo.add(() -> leaves(record.id()));
    }
    if (add(record, places)) {
      tell();
    }
  }

  /**
   * @return whether links have to do with it
   */
  private boolean add(ContainerRecord record, List<Placed> places) {
    String address = Links.addressIn(places);
    if (address.isEmpty()) {
      return false;
    }
    addresses.put(record.id(), address);
    if (Networking.isOnBridge(record.spec())
        && !record.spec().host().resolver().links().isEmpty()) {
      linking.add(record.id());
    }
    return concern(record.id());
  }

  /** Whether the driver has to be told before its address is another's. */
  boolean concern(String container) {
    return networks.table().keepsApart()
        && addresses.containsKey(container)
        && (linking.contains(container) || linkingTo(container).findAny().isPresent());
  }

  /** Those that link to a container and run. */
  Stream<Container> linkingTo(String container) {
    return linking.stream()
        .flatMap(id -> Stream.ofNullable(table.byId(id)))
        .filter(parent -> Links.lead(parent.record(), container));
  }

  /** It is about to give its address away; does nothing when it has none. */
  void leaves(String container) {
    boolean concerned = concern(container);
    addresses.remove(container);
    linking.remove(container);
    if (concerned) {
      changed();
    }
  }

  /** Links have been taken away. A driver that fails is told again with the next change. */
  void changed() {
    try {
      if (networks.table().keepsApart()) {
        tell();
      }
    } catch (GantryException e) {
      log.log(WARNING, "links stay open or closed: {0}", e.getMessage());
    }
  }

  private void tell() {
    networks.openings().link(this::links);
  }

  private List<Network.Link> links() {
    return linking.stream()
        .sorted()
        .flatMap(id -> Stream.ofNullable(table.byId(id)))
        .flatMap(parent -> Links.open(parent.record(), addresses, table).stream())
        .distinct()
        .toList();
  }
}
