package io.gantry.api;

import io.gantry.api.HostSpec.PortRequest;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Ports of the host that lead to containers. A {@code ref} is as of {@link Containers}, and fails
 * as there.
 */
@ProviderType
public interface Ports {

  /** Those of all containers that run, by host port. */
  List<PublishedPort> list();

  /** Those of one container; none when it does not run. */
  List<PublishedPort> list(String ref);

  /**
   * Publishes further ports, durably; those of a running container at once. All or none.
   *
   * @throws io.gantry.spi.GantryException CONFLICT for a port that is taken, INVALID for one that
   *     is none, and for containers without a network of their own
   */
  void publish(String ref, List<PortRequest> ports);

  /**
   * Takes ports back, durably; those of a running container are free when this returns, while
   * connections by way of them go on. All or none.
   *
   * @param ports by what is said of each: as it was asked for, or as it came out
   * @throws io.gantry.spi.GantryException NOT_FOUND for one that was not asked for by itself
   */
  void unpublish(String ref, List<PortRequest> ports);

  /**
   * A published port.
   *
   * @param container id
   * @param protocol {@code tcp}, {@code udp} or {@code sctp}
   * @param hostAddress {@code 0.0.0.0} and {@code ::} for all of a family
   * @param hostPort of the host; 0: none, clients come to {@code address} itself
   * @param network by name, that carries it
   * @param address of the container there
   * @param mapper that leads there; empty: the proxy alone, or nobody where there is no host port
   * @param proxied whether the proxy serves who comes to it by other ways than the mapper's
   */
  record PublishedPort(
      String container,
      String name,
      String protocol,
      String hostAddress,
      int hostPort,
      String network,
      String address,
      int port,
      String mapper,
      boolean proxied) {}
}
