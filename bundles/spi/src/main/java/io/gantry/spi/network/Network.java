package io.gantry.spi.network;

import java.util.List;
import java.util.Map;

/**
 * A network as the engine has decided it.
 *
 * @param id 64 hex
 * @param name for messages
 * @param subnets empty for drivers without addresses
 * @param internal no way out
 * @param options the driver's own, by the names Docker gives them
 * @param links what passes between containers where the network keeps them apart
 * @param ports what is published of containers where the network lets clients come to addresses of
 *     theirs
 */
public record Network(
    String id,
    String name,
    List<Subnet> subnets,
    boolean internal,
    Map<String, String> options,
    List<Link> links,
    List<Port> ports) {

  public Network {
    subnets = List.copyOf(subnets);
    options = Map.copyOf(options);
    links = List.copyOf(links);
    ports = List.copyOf(ports);
  }

  public Network(
      String id,
      String name,
      List<Subnet> subnets,
      boolean internal,
      Map<String, String> options,
      List<Link> links) {
    this(id, name, subnets, internal, options, links, List.of());
  }

  public Network(
      String id, String name, List<Subnet> subnets, boolean internal, Map<String, String> options) {
    this(id, name, subnets, internal, options, List.of());
  }

  /**
   * One subnet.
   *
   * @param cidr {@code 172.17.0.0/16}
   * @param gateway address of the host's end, or empty
   */
  public record Subnet(String cidr, String gateway) {}

  /**
   * One container may open connections to a port of another one, which answers.
   *
   * @param client its address ({@code 172.17.0.3})
   * @param server address of the other one
   * @param protocol {@code tcp}, {@code udp} or {@code sctp}
   * @param port of the server
   */
  public record Link(String client, String server, String protocol, int port) {}

  /**
   * Clients may open connections to a port of a container at its own address.
   *
   * @param address of the container ({@code 172.17.0.3})
   * @param protocol {@code tcp}, {@code udp} or {@code sctp}
   * @param port of the container
   */
  public record Port(String address, String protocol, int port) {}
}
