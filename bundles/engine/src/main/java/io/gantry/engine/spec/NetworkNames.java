package io.gantry.engine.spec;

import io.gantry.engine.network.NetworkSettings.Resolver;
import java.util.List;

/**
 * What a container's files in /etc say of networks.
 *
 * @param addresses of its own; empty where it has none
 * @param hostGateway where {@code host-gateway} leads to; empty: nowhere
 * @param apart the host's loopback interface is not the container's
 * @param others further lines of its hosts file
 * @param resolver what is configured for who asks for nothing
 * @param server that answers for all others; empty: they are asked themselves
 */
public record NetworkNames(
    List<String> addresses,
    String hostGateway,
    boolean apart,
    List<String> others,
    Resolver resolver,
    String server) {

  public NetworkNames {
    addresses = List.copyOf(addresses);
    others = List.copyOf(others);
  }
}
