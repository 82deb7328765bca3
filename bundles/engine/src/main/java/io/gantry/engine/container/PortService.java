package io.gantry.engine.container;

import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.Ports;
import io.gantry.engine.network.Placed;
import io.gantry.engine.network.Published;
import io.gantry.engine.network.Target;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Ports as the edges see them. */
final class PortService implements Ports {
  private final ContainerTable table;
  private final Republishing republishing;

  PortService(ContainerTable table, Republishing republishing) {
    this.table = table;
    this.republishing = republishing;
  }

  @Override
  public List<PublishedPort> list() {
    return sorted(table.all().stream());
  }

  @Override
  public List<PublishedPort> list(String ref) {
    return sorted(Stream.of(table.find(ref)));
  }

  private static List<PublishedPort> sorted(Stream<Container> of) {
    return of.flatMap(PortService::ports)
        .sorted(
            Comparator.comparingInt(PublishedPort::hostPort)
                .thenComparing(PublishedPort::protocol)
                .thenComparing(PublishedPort::hostAddress))
        .toList();
  }

  private static Stream<PublishedPort> ports(Container container) {
    var run = container.run();
    return run.ports().stream().map(port -> port(container.record(), run.places(), port));
  }

  private static PublishedPort port(ContainerRecord record, List<Placed> places, Published port) {
    return new PublishedPort(
        record.id(),
        record.name(),
        port.protocol(),
        port.hostAddress(),
        port.hostPort(),
        places.stream()
            .filter(place -> Target.of(place).isOf(port))
            .map(Placed::name)
            .findFirst()
            .orElse(""),
        port.address(),
        port.port(),
        port.mapper(),
        port.proxied());
  }

  @Override
  public void publish(String ref, List<PortRequest> ports) {
    republishing.publish(table.find(ref), ports);
  }

  @Override
  public void unpublish(String ref, List<PortRequest> ports) {
    republishing.unpublish(table.find(ref), ports);
  }
}
