package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toSet;

import io.gantry.api.ContainerSpec;
import io.gantry.api.Leased;
import io.gantry.engine.network.NetworkKeeper;
import io.gantry.engine.network.Placed;
import io.gantry.engine.network.PortKeeper;
import io.gantry.engine.network.PortKeeper.Wish;
import io.gantry.engine.network.Published;
import io.gantry.engine.network.Target;
import io.gantry.engine.spec.ExposedPorts;
import io.gantry.monitor.HelperError;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.network.PortMapping;
import io.gantry.spi.network.Proxied;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Ports of the host for runs: chosen here, reserved by their monitors. */
final class Publishing {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final NetworkKeeper networks;
  private final Leased<PortMapper> mappers;
  private final PortKeeper keeper;

  Publishing(NetworkKeeper networks, Leased<PortMapper> mappers) {
    this.networks = networks;
    this.mappers = mappers;
    this.keeper = networks.ports();
  }

  /** What a run is to have; given back by {@code undo}. None where nothing leads to it. */
  List<Published> take(ContainerRecord record, List<Placed> places, Undo undo) {
    return take(record, wishes(record.spec()), places, List.of(), undo);
  }

  /**
   * @param others that the run has
   */
  List<Published> take(
      ContainerRecord record,
      List<Wish> wishes,
      List<Placed> places,
      List<Published> others,
      Undo undo) {
    var place = wishes.isEmpty() ? null : reached(places);
    if (place == null) {
      return List.of();
    }
    try {
      var ids = new ListenerIds(record.id().substring(0, 12), others);
      var ports = keeper.take(ids::next, target(place), binding(place), wishes);
      undo.add(() -> keeper.release(ports));
      return ports;
    } catch (GantryException e) {
      throw failure(record, place, e, e.getMessage());
    }
  }

  /** Numbers that a run's listeners do not have yet. */
  private static final class ListenerIds {
    private final String prefix;
    private final Set<String> taken;
    private int next;

    ListenerIds(String prefix, List<Published> others) {
      this.prefix = prefix;
      this.taken = others.stream().map(Published::id).collect(toSet());
    }

    String next() {
      String id;
      do {
        id = prefix + "." + next++;
      } while (taken.contains(id));
      return id;
    }
  }

  /** Address of what is asked for on none. */
  String binding(Placed place) {
    return networks.table().bindingOf(place.network());
  }

  Target target(Placed place) {
    var table = networks.table();
    String network = place.network();
    return Target.of(place, table.isRouted(network, false), table.isRouted(network, true));
  }

  /** The place that ports lead to: as that of default routes. Null: none. */
  @Nullable Placed reached(List<Placed> places) {
    var order =
        places.stream()
            .filter(place -> !(place.address() + place.address6()).isEmpty())
            .filter(place -> networks.isPublished(place))
            .sorted(
                Comparator.comparingInt(Placed::priority).reversed().thenComparing(Placed::name))
            .toList();
    return order.stream()
        .filter(place -> !place.address().isEmpty() && !place.address6().isEmpty())
        .findFirst()
        .orElse(order.isEmpty() ? null : order.get(0));
  }

  private static GantryException failure(
      ContainerRecord record, Placed place, GantryException e, String reason) {
    return new GantryException(e.kind(), failed(record, place) + reason, e);
  }

  private static String failed(ContainerRecord record, Placed place) {
    return "failed to set up container networking: driver failed programming external connectivity"
        + " on endpoint %s (%s): ".formatted(record.name(), place.endpoint());
  }

  /**
   * Has a driver lead them to the run; undone by {@code undo}, {@link #settle}d when it runs.
   *
   * @param places of the run
   */
  List<Published> map(List<Published> ports, List<Placed> places, Undo undo) {
    undo.add(() -> networks.openings().close(ports));
    places.forEach(place -> networks.openings().open(place, ports));
    String mapper = ports.stream().allMatch(Published::isRouted) ? "" : mapper(places);
    if (mapper.isEmpty()) {
      ports.forEach(Publishing::requireProxy);
      return ports.stream().map(port -> port.by("", true)).toList();
    }
    var mappings = mappings(ports);
    undo.add(() -> keeper.settle(ports));
    keeper.begin(ports.stream().map(port -> port.by(mapper, false)).toList());
    undo.add(() -> unmapBy(mapper, mappings));
    var proxied =
        mappers.call(mapper, driver -> driver.map(mappings)).stream()
            .map(Proxied::listener)
            .collect(toSet());
    return ports.stream().map(port -> port.by(mapper, proxied.contains(port.id()))).toList();
  }

  private static void requireProxy(Published port) {
    if (port.protocol().equals("sctp")) {
      throw new GantryException(
          UNSUPPORTED, "the proxy, which alone leads there, does not know the protocol sctp");
    }
  }

  /** Has drivers lead there again, as they did. */
  void mapAgain(List<Published> ports, List<Placed> places) {
    places.forEach(place -> networks.openings().open(place, ports));
    byMapper(ports)
        .forEach((mapper, its) -> mappers.call(mapper, driver -> driver.map(mappings(its))));
  }

  /** Nobody comes any more to addresses that ports lead to no longer. */
  void close(List<Published> before, List<Published> now) {
    var left = new ArrayList<>(before);
    left.removeIf(
        port ->
            now.stream()
                .anyMatch(
                    one -> one.id().equals(port.id()) && one.address().equals(port.address())));
    networks.openings().close(left);
  }

  /** Of a run that has them again after all. */
  void takeAgain(List<Published> ports, List<Placed> places) {
    keeper.expect(ports);
    mapAgain(ports, places);
  }

  /** The run is one that all can see. */
  void settle(List<Published> ports) {
    keeper.settle(ports);
  }

  /**
   * Where no driver works on this host, the proxy alone leads to containers; so it does where
   * clients have to get past the host's firewall as with any other server of the host.
   */
  private String mapper(List<Placed> places) {
    var place = reached(places);
    boolean held = place != null && networks.table().isHeldToFirewall(place.network());
    return held || mappers.names().isEmpty() ? "" : mappers.defaultName();
  }

  /**
   * A run is over: nothing leads there any more, and others may have the ports. Its driver's
   * recovery does what fails.
   */
  void leave(String container, List<Published> ports) {
    networks.openings().close(ports);
    unmap(container, ports);
    keeper.release(ports);
  }

  /** Nothing but the proxy leads there any more. */
  void unmap(String container, List<Published> ports) {
    byMapper(ports)
        .forEach(
            (mapper, its) -> {
              try {
                unmapBy(mapper, mappings(its));
              } catch (GantryException e) { // the other steps are no less needed
                log.log(WARNING, "cannot unmap ports of " + container, e);
              }
            });
  }

  private static Map<String, List<Published>> byMapper(List<Published> ports) {
    return ports.stream()
        .filter(port -> !port.mapper().isEmpty())
        .collect(groupingBy(Published::mapper));
  }

  private static List<PortMapping> mappings(List<Published> ports) {
    return ports.stream().filter(port -> !port.isRouted()).map(Published::mapping).toList();
  }

  private void unmapBy(String mapper, List<PortMapping> mappings) {
    mappers.call(
        mapper,
        driver -> {
          driver.unmap(mappings);
          return true;
        });
  }

  /** What a monitor says that could not have a port, in Docker's words. */
  GantryException refused(
      ContainerRecord record, List<Placed> places, List<Published> ports, GantryException e) {
    var place = reached(places);
    String said = HelperError.in(e).map(HelperError::text).orElse("");
    var port = ports.stream().filter(one -> said.startsWith(listen(one) + ": ")).findFirst();
    // Without its cause: what a monitor says would be taken for the reason why init failed.
    return place == null || port.isEmpty()
        ? e
        : new GantryException(
            e.kind(),
            failed(record, place)
                + "failed to bind host port for "
                + port.get()
                + said.substring(listen(port.get()).length())
                    .replace("address in use", "address already in use")
                    .replace("address not available", "cannot assign requested address"));
  }

  /** How a monitor calls it. */
  private static String listen(Published port) {
    boolean six = port.hostAddress().indexOf(':') >= 0;
    return "listen %s %s:%d"
        .formatted(
            port.protocol(),
            six ? "[" + port.hostAddress() + "]" : port.hostAddress(),
            port.hostPort());
  }

  /** Those that were named come first: they must not be given to who takes any. */
  static List<Wish> wishes(ContainerSpec spec) {
    var publishing = spec.host().publishing();
    var wishes = new ArrayList<Wish>();
    for (var port : publishing.ports()) {
      wishes.add(new Wish(port.port(), port.hostAddress(), port.hostPort()));
    }
    if (publishing.all()) {
      for (String exposed : ExposedPorts.each(spec.process().exposedPorts())) {
        if (publishing.ports().stream().noneMatch(port -> port.port().equals(exposed))) {
          wishes.add(new Wish(exposed, "", ""));
        }
      }
    }
    wishes.sort(Comparator.comparing(wish -> wish.hostPort().isEmpty()));
    return wishes;
  }
}
