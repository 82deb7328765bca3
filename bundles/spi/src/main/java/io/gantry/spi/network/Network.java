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
 */
public record Network(
    String id, String name, List<Subnet> subnets, boolean internal, Map<String, String> options) {

  public Network {
    subnets = List.copyOf(subnets);
    options = Map.copyOf(options);
  }

  /**
   * One subnet.
   *
   * @param cidr {@code 172.17.0.0/16}
   * @param gateway address of the host's end, or empty
   */
  public record Subnet(String cidr, String gateway) {}
}
