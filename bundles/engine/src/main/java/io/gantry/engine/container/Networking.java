package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.ContainerView.EndpointView;
import io.gantry.api.Networks;
import io.gantry.engine.network.NetworkKeeper;
import io.gantry.engine.network.Placed;
import io.gantry.engine.spec.Modes;
import io.gantry.engine.spec.NetworkNames;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;

/** Containers' networks: which they want, and which places in them they have while they run. */
final class Networking {
  static final String BRIDGE = "bridge";
  private static final String DEFAULT = "default";
  private static final String NO_BRIDGE =
      "The default network has no driver on this host: the container has a network of its own with"
          + " loopback only.";

  private final NetworkKeeper networks;
  private final ContainerTable table;

  Networking(NetworkKeeper networks, ContainerTable table) {
    this.networks = networks;
    this.table = table;
  }

  NetworkKeeper keeper() {
    return networks;
  }

  /** Whether it is on the network that links are for. */
  static boolean isOnBridge(ContainerSpec spec) {
    String mode = spec.host().namespaces().network();
    return mode.equals(DEFAULT) || mode.equals(BRIDGE);
  }

  /** Whether its network namespace is its own. */
  static boolean hasOwn(ContainerSpec spec) {
    String mode = spec.host().namespaces().network();
    return !mode.equals(Modes.HOST) && Modes.container(mode).isEmpty();
  }

  /**
   * The spec with one request for each network that it is to be in, by name, that of its mode
   * first. Networks that there are not are found missing at the start, as clients take a NOT_FOUND
   * of create for the image's.
   */
  ContainerSpec settled(ContainerSpec spec) {
    String mode = spec.host().namespaces().network();
    if (!Modes.container(mode).isEmpty()) {
      return spec.with(List.of());
    }
    String first =
        spec.process().networkDisabled() ? Modes.NONE : networks.table().nameOf(name(mode));
    var requests = new LinkedHashMap<String, NetworkRequest>();
    requests.put(first, NetworkRequest.of(first));
    for (var asked : spec.networks()) {
      String network = networks.table().nameOf(name(asked.network()));
      if (!spec.process().networkDisabled()) {
        requests.put(network, asked.in(network));
      }
    }
    if (requests.size() > 1 && (first.equals(Modes.HOST) || first.equals(Modes.NONE))) {
      throw new GantryException(
          INVALID,
          "conflicting options: cannot attach both user-defined and non-user-defined network-modes");
    }
    requests.values().forEach(networks.table()::check);
    return spec.with(List.copyOf(requests.values()));
  }

  private static String name(String mode) {
    return mode.equals(DEFAULT) || mode.isEmpty() ? BRIDGE : mode;
  }

  /** What it wants, also of a container from before there were networks. */
  List<NetworkRequest> wanted(ContainerRecord record) {
    return record.networked() ? record.spec().networks() : settled(record.spec()).networks();
  }

  /**
   * @return warnings
   */
  List<String> warnings(ContainerSpec spec) {
    boolean bare =
        spec.networks().stream().anyMatch(asked -> asked.network().equals(BRIDGE)) && !hasBridge();
    return bare ? List.of(NO_BRIDGE) : List.of();
  }

  /** Whether the default network has a driver on this host. */
  private boolean hasBridge() {
    return !networks.defaultDriver().equals(NetworkKeeper.BUILTIN);
  }

  /**
   * Its places for a run, with addresses; given back by {@code undo}.
   *
   * @throws GantryException NOT_FOUND for a network that there is not
   */
  List<Placed> place(ContainerRecord record, Undo undo) {
    var places = new ArrayList<Placed>();
    for (var asked : wanted(record)) {
      try {
        var place = placeIn(asked, record.id(), places);
        undo.add(() -> networks.leave(place));
        places.add(place);
      } catch (GantryException e) {
        throw new GantryException(
            e.kind(), "failed to set up container networking: " + e.getMessage(), e);
      }
    }
    return places;
  }

  /**
   * @param others places that the run has
   */
  Placed placeIn(NetworkRequest asked, String container, List<Placed> others) {
    var request = asked.network().equals(BRIDGE) && !hasBridge() ? asked.in(Modes.NONE) : asked;
    return networks.place(request, container, others);
  }

  /** What drivers make of places for a process that waits; undone by {@code undo}. */
  List<Placed> attach(List<Placed> places, long pid, Undo undo) {
    var attached = new ArrayList<Placed>();
    for (var place : places) {
      attached.add(attach(place, pid, undo));
    }
    return attached;
  }

  Placed attach(Placed place, long pid, Undo undo) {
    var made = new Placed[] {place};
    undo.add(() -> networks.detach(made[0]));
    made[0] = networks.attach(place, pid);
    return made[0];
  }

  /** Whether it is in a network that users made. */
  static boolean isOwn(Placed place) {
    return !place.driver().equals(NetworkKeeper.BUILTIN)
        && !Networks.PREDEFINED.contains(place.name());
  }

  /** Whether nothing comes inside: their namespace need not be there for it. */
  static boolean areAlone(List<Placed> places) {
    return places.stream().allMatch(place -> place.driver().equals(NetworkKeeper.BUILTIN));
  }

  /** Waits for drivers if need be, for who does not wait for an attach. */
  boolean ready(List<Placed> places) {
    places.forEach(networks::awaitDriver);
    return true;
  }

  void tellConnected(String container, List<Placed> places) {
    places.forEach(place -> networks.tell(place, container, "connect"));
  }

  /** Recovery: what a run that may live has. */
  void expect(Container container) {
    var run = container.run();
    for (var place : run.places()) {
      networks.expect(place, container.id);
      networks.openings().expect(place, run.ports());
    }
    networks.ports().expect(run.ports());
  }

  // What is seen of it

  EndpointView view(ContainerRecord record, RunRecord run, NetworkRequest asked) {
    var place =
        run.places().stream()
            .filter(one -> one.name().equals(asked.network()))
            .findFirst()
            .orElse(null);
    var former = run.attachment();
    if (place == null) {
      return new EndpointView(
          networks.table().idOf(asked.network()),
          former == null ? "" : former.endpoint(),
          "",
          0,
          "",
          "",
          0,
          "",
          asked.mac(),
          names(record, asked),
          asked);
    }
    return new EndpointView(
        place.network(),
        place.endpoint(),
        Placed.plain(place.address()),
        prefix(place.address()),
        place.gateway(),
        Placed.plain(place.address6()),
        prefix(place.address6()),
        place.gateway6(),
        place.mac(),
        names(record, asked),
        asked);
  }

  private static int prefix(String cidr) {
    int slash = cidr.indexOf('/');
    return slash < 0 ? 0 : Integer.parseInt(cidr.substring(slash + 1));
  }

  /** That others in the network find it by. */
  static List<String> names(ContainerRecord record, NetworkRequest asked) {
    if (Networks.PREDEFINED.contains(asked.network())) {
      return List.of();
    }
    var names = new LinkedHashSet<String>();
    names.add(record.name());
    names.addAll(asked.aliases());
    String shortId = record.id().substring(0, 12);
    names.add(shortId);
    String host = record.spec().process().hostname();
    if (!host.isEmpty()) {
      names.add(host);
    }
    return List.copyOf(names);
  }

  /** What its files in /etc say of networks. */
  NetworkNames names(ContainerRecord record, List<Placed> places) {
    var own = new ArrayList<String>();
    for (var place : places) {
      addIfAny(own, place.address());
      addIfAny(own, place.address6());
    }
    return new NetworkNames(
        own,
        networks.table().defaultGateway(),
        hasOwn(record.spec()) && !own.isEmpty(),
        isOnBridge(record.spec()) ? Links.hosts(record, table) : List.of(),
        networks.settings().resolver(),
        NetTables.hasNames(places) ? NetTables.RESOLVER : "");
  }

  private static void addIfAny(List<String> addresses, String cidr) {
    if (!cidr.isEmpty()) {
      addresses.add(Placed.plain(cidr));
    }
  }
}
