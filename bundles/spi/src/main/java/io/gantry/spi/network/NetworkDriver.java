package io.gantry.spi.network;

import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Makes networks and the host's end of a container's connection to them. Subnets, addresses, ports
 * and names are the engine's to choose; kernel names derive from ids.
 *
 * <p>Features: {@code ipv6}, {@code multiple-subnets}, {@code internal}, {@code host} (the
 * container shares the host's network), {@code live-attach} (a running container may be connected).
 */
@ConsumerType
public interface NetworkDriver extends Driver {

  /**
   * Makes a network on this host.
   *
   * @throws io.gantry.spi.GantryException CONFLICT when a host route or another network has the
   *     subnet, INVALID for an option this driver does not know
   */
  void create(Network network);

  /** Removes what {@link #create} made; does nothing when it is gone. */
  void remove(Network network);

  /**
   * Makes the host's end and moves the other end into the container's network namespace.
   *
   * @return what is to be set up inside; comes back to {@link #detach}
   */
  Attachment attach(Network network, Endpoint endpoint);

  /** Takes an endpoint away; does nothing when it is gone. */
  void detach(Network network, Attachment attachment);

  /**
   * Takes over: makes missing parts of expected networks again, sweeps marked interfaces and rules
   * nobody expects.
   */
  Recovery recover(List<Network> networks, List<Attachment> attachments);
}
