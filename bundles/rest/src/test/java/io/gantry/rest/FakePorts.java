package io.gantry.rest;

import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.Ports;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayList;
import java.util.List;

/** Ports of the one container {@code web}. */
final class FakePorts implements Ports {
  final List<PublishedPort> all = new ArrayList<>();

  @Override
  public List<PublishedPort> list() {
    return all;
  }

  @Override
  public List<PublishedPort> list(String ref) {
    if (!ref.equals("web")) {
      throw new GantryException(Kind.NOT_FOUND, "No such container: " + ref);
    }
    return all;
  }

  @Override
  public void publish(String ref, List<PortRequest> ports) {
    list(ref);
    for (var port : ports) {
      all.add(
          new PublishedPort(
              "abc",
              ref,
              "tcp",
              port.hostAddress(),
              Integer.parseInt(port.hostPort()),
              "bridge",
              "172.17.0.2",
              Integer.parseInt(port.port().replace("/tcp", "")),
              "nat",
              true));
    }
  }

  @Override
  public void unpublish(String ref, List<PortRequest> ports) {
    list(ref);
    ports.forEach(
        port -> all.removeIf(p -> Integer.toString(p.hostPort()).equals(port.hostPort())));
  }
}
