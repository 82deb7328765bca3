package io.gantry.network.builtin;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.NetworkDriver;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * The networks {@code host} and {@code none}. Neither has anything on the host that would have to
 * be made, found again or taken away: a container either keeps the host's network namespace or has
 * one with nothing but loopback.
 */
@Component(name = "io.gantry.network.builtin", property = Driver.NAME + "=builtin")
public final class BuiltinDriver implements NetworkDriver {
  private static final Set<String> NAMES = Set.of("host", "none");

  @Activate
  public BuiltinDriver() {}

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Set<String> features() {
    return Set.of("host", "internal");
  }

  /** Accepts {@code host} and {@code none}; each exists once, by nature. */
  @Override
  public void create(Network network) {
    check(network);
    if (!network.subnets().isEmpty()) {
      throw new GantryException(
          UNSUPPORTED, "the network " + network.name() + " has no addresses of its own");
    }
    for (String option : network.options().keySet()) {
      throw new GantryException(
          INVALID, "unknown option of the network " + network.name() + ": " + option);
    }
  }

  @Override
  public void remove(Network network) {
    check(network);
  }

  @Override
  public Attachment attach(Network network, Endpoint endpoint) {
    check(network);
    if (!endpoint.addresses().isEmpty() || !endpoint.mac().isEmpty()) {
      throw new GantryException(
          UNSUPPORTED, "the network " + network.name() + " takes no addresses");
    }
    return Attachment.none(endpoint.id());
  }

  @Override
  public void detach(Network network, Attachment attachment) {
    check(network);
  }

  @Override
  public Recovery recover(List<Network> networks, List<Attachment> attachments) {
    var ids =
        Stream.concat(
                networks.stream().map(Network::id), attachments.stream().map(Attachment::endpoint))
            .collect(Collectors.toSet());
    return new Recovery(ids, Set.of());
  }

  private static void check(Network network) {
    if (!NAMES.contains(network.name())) {
      throw new GantryException(
          UNSUPPORTED, "the driver builtin has the networks host and none, not " + network.name());
    }
  }
}
