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
 * container shares the host's network), {@code live-attach} (a running container may be connected),
 * {@code direct} (containers are neighbours on a network outside, and no port of the host leads to
 * them).
 */
@ConsumerType
public interface NetworkDriver extends Driver {

  /**
   * Makes a network on this host.
   *
   * @throws io.gantry.spi.GantryException CONFLICT when a host route or another network has the
   *     subnet, INVALID for an option that makes no sense; one that this driver does not know it
   *     refuses as well, or goes without and says so in {@link #warnings}
   */
  void create(Network network);

  /** Removes what {@link #create} made; does nothing when it is gone. */
  void remove(Network network);

  /**
   * From now on a network has these {@link Network#links} and no others. What is open already may
   * go on; does nothing when the network is gone, or keeps nobody apart.
   */
  default void link(Network network) {}

  /**
   * From now on a network has these {@link Network#ports} and no others. What is open already may
   * go on; does nothing when the network is gone, or lets nobody come to its containers' addresses.
   */
  default void open(Network network) {}

  /**
   * Makes the host's end and moves the other end into the container's network namespace.
   *
   * @return what is to be set up inside; comes back to {@link #detach} or {@link #disconnect}
   */
  Attachment attach(Network network, Endpoint endpoint);

  /**
   * What its users should know of a network that was made, in sentences: that its containers reach
   * nothing outside since this host does not forward, for one. Asked after {@link #create}.
   */
  default List<String> warnings(Network network) {
    return List.of();
  }

  /**
   * Takes an endpoint away whose network namespace has ended, or is about to; does nothing when it
   * is gone. The kernel takes a link with its namespace: to wait for that is not the caller's.
   */
  void detach(Network network, Attachment attachment);

  /**
   * Takes an endpoint away from a network namespace that others stay in; does nothing when it is
   * gone. Nothing of it is there any more when this returns.
   */
  default void disconnect(Network network, Attachment attachment) {
    detach(network, attachment);
  }

  /**
   * Takes over: makes missing parts of expected networks again, sweeps interfaces and rules that
   * bear this instance's mark and nobody expects. Ids of networks and of endpoints are told apart
   * by nobody: both are in what it returns.
   */
  Recovery recover(List<Network> networks, List<Attachment> attachments);
}
