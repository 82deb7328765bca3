package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.engine.network.Placed;
import io.gantry.engine.network.Published;
import io.gantry.monitor.Monitor;
import io.gantry.monitor.NetTable;
import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Names and published ports of containers, which the {@code net} helper ({@link Succession}) serves
 * from tables that are given here, as runs begin, change and end.
 */
final class Serving {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final ContainerTable containers;
  private final NetTables tables;
  private final Succession succession;
  private final Set<String> linked = ConcurrentHashMap.newKeySet();

  Serving(Workshop shop, ContainerTable containers, OwnFiles files) {
    this.containers = containers;
    this.tables = new NetTables(shop.networks(), files);
    this.succession = new Succession(shop, containers);
  }

  static boolean isNeeded(List<Placed> places, List<Published> ports) {
    return !ports.stream().allMatch(Published::isRouted) || NetTables.hasNames(places);
  }

  /** Where monitors hand their sockets to; somebody serves there. */
  String socket() {
    return succession.socket();
  }

  /**
   * A start that needs it: until {@link #begun}, or its {@link #end}, whoever comes to serve asks
   * its monitor, too.
   *
   * @return where it hands its sockets to
   */
  String begins(String container, Monitor monitor) {
    succession.begins(container, monitor);
    return succession.socket();
  }

  /**
   * A container that runs is served from now on, by whoever comes, too, until its table is there
   * and it has {@link #begun}.
   */
  void joins(String container, Monitor monitor) {
    succession.joins(container, monitor);
  }

  void begun(String container) {
    succession.begun(container);
    linksChanged();
  }

  /** A monitor that was found again answers at last. */
  void greeted(String container, Monitor monitor) {
    succession.greeted(container, monitor);
  }

  /** A run begins, or has come to other networks. */
  void put(ContainerRecord record, List<Placed> places, List<Published> ports) {
    if (!isNeeded(places, ports)) {
      end(record.id());
      return;
    }
    succession.give(table(record, places, ports));
    if (NetTables.isLinked(record)) {
      linked.add(record.id());
      sendLinks(record);
    }
    linksChanged();
  }

  /** Its networks or its name have changed. */
  void changed(Container container) {
    if (container.running() != null) {
      put(container.record(), container.run().places(), container.run().ports());
    }
  }

  void end(String container) {
    succession.begun(container);
    linked.remove(container);
    succession.forget(container);
    succession.forget(linksOf(container));
    linksChanged();
  }

  /**
   * The same for one that has ended, without a wait: nobody asks there any more, and the helper
   * hears of it from the monitor, too, unless that was killed.
   */
  void ended(String container) {
    succession.begun(container);
    linked.remove(container);
    succession.forgetSoon(container);
    succession.forget(linksOf(container));
    linksChanged();
  }

  /** After recovery: what runs is served, by whoever is there. */
  void recover() {
    var found = new ArrayList<NetTable>();
    for (var container : containers.all()) {
      var run = container.run();
      if (container.running() != null && isNeeded(run.places(), run.ports())) {
        found.add(table(container.record(), run.places(), run.ports()));
        if (NetTables.isLinked(container.record())) {
          linked.add(container.id);
        }
      }
    }
    succession.recover(found);
    linksChanged();
  }

  /** The helper goes on as long as somebody is served. */
  void letGo() {
    succession.letGo();
  }

  private NetTable table(ContainerRecord record, List<Placed> places, List<Published> ports) {
    return tables.of(record, places, ports, NetTables.isLinked(record) ? linksOf(record.id()) : "");
  }

  // Links: names that one container alone has for others; a network of their own

  private static String linksOf(String container) {
    return Digest.sha256(("links/" + container).getBytes(UTF_8)).hex();
  }

  /** Those that links lead to may have other addresses. */
  void linksChanged() {
    for (String id : linked) {
      var container = containers.byId(id);
      if (container != null && container.running() != null) {
        try {
          sendLinks(container.record());
        } catch (GantryException e) { // it is said again with the next change
          log.log(WARNING, "names that {0} has for others: {1}", id, e.getMessage());
        }
      }
    }
  }

  private void sendLinks(ContainerRecord record) {
    String network = linksOf(record.id());
    var endpoints = new ArrayList<NetTable.Endpoint>();
    for (var asked : NetTables.wanted(record)) {
      for (String link : asked.links()) {
        int colon = link.indexOf(':');
        String alias = colon < 0 ? link : link.substring(colon + 1);
        var place = placeOf(colon < 0 ? link : link.substring(0, colon), asked.network());
        if (place != null && NetTables.isWord(alias)) {
          var names =
              Stream.of(alias, alias + "." + asked.network()).filter(NetTables::isWord).toList();
          endpoints.add(new NetTable.Endpoint(network, NetTables.addresses(place), alias, names));
        }
      }
    }
    var table = new NetTable(network, List.of(), List.of(), endpoints, List.of(), false);
    if (!table.equals(succession.table(network))) {
      succession.give(table);
    }
  }

  private @Nullable Placed placeOf(String container, String network) {
    try {
      return containers.find(container).run().places().stream()
          .filter(place -> place.name().equals(network) && NetTables.hasNames(place))
          .findFirst()
          .orElse(null);
    } catch (GantryException e) {
      return null; // it may come later
    }
  }
}
