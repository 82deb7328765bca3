package io.gantry.spi.network;

import java.util.List;
import java.util.Map;

/**
 * Where a container meets a network. Its id may be older than the container.
 *
 * @param id 64 hex
 * @param initPid pid of the container's init, which waits, or runs for a live attach
 * @param netns path of its network namespace
 * @param addresses {@code 172.17.0.2/16}, in the order of the network's subnets
 * @param mac empty: the driver chooses
 * @param options the endpoint's own
 * @param index that the interface shall have inside, which none there has; 0: the driver chooses
 * @param name of the interface inside ({@code eth0}); empty: the driver chooses
 */
public record Endpoint(
    String id,
    long initPid,
    String netns,
    List<String> addresses,
    String mac,
    Map<String, String> options,
    int index,
    String name) {

  public Endpoint {
    addresses = List.copyOf(addresses);
    options = Map.copyOf(options);
  }

  public Endpoint(
      String id,
      long initPid,
      String netns,
      List<String> addresses,
      String mac,
      Map<String, String> options) {
    this(id, initPid, netns, addresses, mac, options, 0, "");
  }
}
