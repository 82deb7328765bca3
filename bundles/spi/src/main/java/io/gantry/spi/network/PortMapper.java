package io.gantry.spi.network;

import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Makes ports of the host lead to containers. The engine chooses ports; the container's monitor
 * holds the listeners that reserve them.
 *
 * <p>Features: {@code tcp}, {@code udp}, {@code sctp}, {@code ipv6}.
 */
@ConsumerType
public interface PortMapper extends Driver {

  /**
   * Makes all of the mappings or none.
   *
   * @return which listeners the userland proxy shall serve, and where to
   */
  List<Proxied> map(List<PortMapping> mappings);

  /** Takes mappings away; those that are gone already are no error. */
  void unmap(List<PortMapping> mappings);

  /** Takes over: makes missing rules again, sweeps marked rules that nobody expects. */
  Recovery recover(List<PortMapping> expected);
}
