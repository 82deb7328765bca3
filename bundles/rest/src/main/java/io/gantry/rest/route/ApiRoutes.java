package io.gantry.rest.route;

import io.gantry.api.Containers;
import io.gantry.api.Drivers;
import io.gantry.api.Engine;
import io.gantry.api.Events;
import io.gantry.api.Images;
import io.gantry.api.Networks;
import io.gantry.api.Ports;
import io.gantry.api.Transfers;
import io.gantry.api.Volumes;
import io.gantry.rest.docker.DiskUsage;
import io.gantry.rest.http.Route;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** All routes, in the order in which they are tried. */
public final class ApiRoutes {

  private ApiRoutes() {}

  public static List<Route> of(
      Containers containers,
      Images images,
      Supplier<Transfers> transfers,
      Volumes volumes,
      Networks networks,
      Ports ports,
      Events events,
      Drivers drivers,
      Engine engine,
      InstantSource clock) {
    var transferring = new TransferRoutes(transfers);
    return Stream.of(
            new SystemRoutes(engine, drivers, events, clock).table(),
            new DiskRoutes(new DiskUsage(containers, images, volumes), clock).table(),
            new ContainerRoutes(containers, images, clock).table(),
            new FileRoutes(containers).table(),
            new ExecRoutes(containers).table(),
            new AbsentRoutes().table(),
            new ArchiveRoutes(images).table(),
            new ImageRoutes(images, transferring, engine, clock).table(),
            transferring.table(),
            new NetworkRoutes(networks, clock).table(),
            new VolumeRoutes(volumes).table(),
            new PortRoutes(ports, networks, drivers).table(),
            new GantryRoutes(drivers, images).table())
        .flatMap(List::stream)
        .toList();
  }
}
