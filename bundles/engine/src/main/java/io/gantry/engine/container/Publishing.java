package io.gantry.engine.container;

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
import io.gantry.monitor.HelperError;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.network.PortMapping;
import io.gantry.spi.network.Proxied;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Ports of the host for runs: chosen here, reserved by their monitors. */
final class Publishing {
  private static final int HIGHEST = 65535;
  private static final String LISTEN = "listen";

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
    var wishes = wishes(record.spec());
    var place = wishes.isEmpty() ? null : reached(places);
    if (place == null) {
      return List.of();
    }
    try {
      var ports =
          keeper.take(
              record.id().substring(0, 12),
              Placed.plain(place.address()),
              networks.bindingOf(place.network()),
              wishes);
      undo.add(() -> keeper.release(ports));
      return ports;
    } catch (GantryException e) {
      throw new GantryException(e.kind(), failed(record, place) + e.getMessage(), e);
    }
  }

  private @Nullable Placed reached(List<Placed> places) {
    return places.stream()
        .filter(place -> !place.address().isEmpty() && !networks.isInternal(place.network()))
        .min(Comparator.comparingInt(Placed::priority).reversed().thenComparing(Placed::name))
        .orElse(null);
  }

  private static String failed(ContainerRecord record, Placed place) {
    return "failed to set up container networking: driver failed programming external connectivity"
        + " on endpoint %s (%s): ".formatted(record.name(), place.endpoint());
  }

  /** Has a driver lead them to the run; undone by {@code undo}, {@link #settle}d when it runs. */
  List<Published> map(List<Published> ports, Undo undo) {
    String mapper = ports.isEmpty() ? "" : mapper();
    if (mapper.isEmpty()) {
      return ports;
    }
    var mappings = ports.stream().map(Published::mapping).toList();
    undo.add(() -> keeper.settle(ports));
    keeper.begin(ports.stream().map(port -> port.by(mapper, false)).toList());
    undo.add(() -> unmap(mapper, mappings));
    var proxied =
        mappers.call(mapper, driver -> driver.map(mappings)).stream()
            .map(Proxied::listener)
            .collect(toSet());
    return ports.stream().map(port -> port.by(mapper, proxied.contains(port.id()))).toList();
  }

  /** The run is one that all can see. */
  void settle(List<Published> ports) {
    keeper.settle(ports);
  }

  /** Where no driver works on this host, the proxy alone leads to containers. */
  private String mapper() {
    return mappers.names().isEmpty() ? "" : mappers.defaultName();
  }

  /**
   * A run is over: nothing leads there any more, and others may have the ports. Its driver's
   * recovery does what fails.
   */
  void leave(String container, List<Published> ports) {
    ports.stream()
        .filter(port -> !port.mapper().isEmpty())
        .collect(groupingBy(Published::mapper))
        .forEach(
            (mapper, its) -> {
              try {
                unmap(mapper, its.stream().map(Published::mapping).toList());
              } catch (GantryException e) { // the other steps are no less needed
                log.log(WARNING, "cannot unmap ports of " + container, e);
              }
            });
    keeper.release(ports);
  }

  private void unmap(String mapper, List<PortMapping> mappings) {
    mappers.call(
        mapper,
        driver -> {
          driver.unmap(mappings);
          return true;
        });
  }

  /** What a monitor says that could not have a port, in Docker's words. */
  GantryException refused(ContainerRecord record, List<Placed> places, GantryException e) {
    var place = reached(places);
    String said = HelperError.in(e).map(HelperError::text).orElse("");
    return place == null || !said.startsWith(LISTEN)
        ? e
        : new GantryException(
            e.kind(),
            failed(record, place)
                + "failed to bind host port: "
                + said.replace("address in use", "address already in use")
                    .replace("address not available", "cannot assign requested address"),
            e);
  }

  /** Those that were named come first: they must not be given to who takes any. */
  private static List<Wish> wishes(ContainerSpec spec) {
    var publishing = spec.host().publishing();
    var wishes = new ArrayList<Wish>();
    for (var port : publishing.ports()) {
      wishes.add(new Wish(port.port(), port.hostAddress(), port.hostPort()));
    }
    if (publishing.all()) {
      for (String exposed : each(spec.process().exposedPorts())) {
        if (publishing.ports().stream().noneMatch(port -> port.port().equals(exposed))) {
          wishes.add(new Wish(exposed, "", ""));
        }
      }
    }
    wishes.sort(Comparator.comparing(wish -> wish.hostPort().isEmpty()));
    return wishes;
  }

  /** Ports as containers expose them, {@code 80/tcp}, {@code 90-91/udp}, each by itself. */
  static List<String> each(List<String> exposed) {
    var all = new ArrayList<String>();
    for (String text : exposed) {
      int slash = text.indexOf('/');
      String numbers = slash < 0 ? text : text.substring(0, slash);
      String protocol = slash < 0 ? "tcp" : text.substring(slash + 1);
      int dash = numbers.indexOf('-');
      int first = Integer.parseInt(dash < 0 ? numbers : numbers.substring(0, dash));
      int last = dash < 0 ? first : Integer.parseInt(numbers.substring(dash + 1));
      for (int port = first; port <= Math.min(last, HIGHEST); port++) {
        all.add(port + "/" + protocol);
      }
    }
    return all;
  }
}
