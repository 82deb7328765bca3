package io.gantry.engine.network;

import io.gantry.monitor.HostListener;
import io.gantry.monitor.NetTable;
import io.gantry.spi.network.PortMapping;
import java.util.List;

/**
 * A port of the host that leads to a run; or of the run alone, which clients come to at its own
 * address.
 *
 * @param id of the listener
 * @param protocol {@code tcp}, {@code udp} or {@code sctp}
 * @param hostAddress numeric; {@code 0.0.0.0} and {@code ::} for all of a family
 * @param hostPort 0: none, see {@link #isRouted}
 * @param address of the container, numeric
 * @param mapper that was asked to lead there; empty: none, there is the proxy alone
 * @param proxied connections that come to the listener are led there by the proxy
 */
public record Published(
    String id,
    String protocol,
    String hostAddress,
    int hostPort,
    String address,
    int port,
    String mapper,
    boolean proxied) {

  /** Whether no port of the host leads there: clients come to the container's own address. */
  public boolean isRouted() {
    return hostPort == 0;
  }

  /** Whether it is led to under an address of the other family, as only the proxy does. */
  boolean changesFamily() {
    return hostAddress.indexOf(':') < 0 != address.indexOf(':') < 0;
  }

  /** What the monitor reserves for them. */
  public static List<HostListener> listeners(List<Published> ports) {
    return ports.stream()
        .filter(port -> !port.isRouted())
        .map(port -> new HostListener(port.id, port.protocol, port.hostAddress, port.hostPort))
        .toList();
  }

  public NetTable.Target target() {
    return new NetTable.Target(id, address, port);
  }

  public PortMapping mapping() {
    return new PortMapping(id, protocol, hostAddress, hostPort, address, port);
  }

  /** The same by a mapper; routed ones go by none. */
  public Published by(String name, boolean proxy) {
    return isRouted()
        ? this
        : new Published(id, protocol, hostAddress, hostPort, address, port, name, proxy);
  }

  /** The same, leading elsewhere. */
  Published to(Target target) {
    return new Published(
        id, protocol, hostAddress, hostPort, target.behind(hostAddress), port, mapper, proxied);
  }

  /** {@code 80/tcp}. */
  public String name() {
    return port + "/" + protocol;
  }

  /** As Docker writes it: {@code 127.0.0.1:8080:172.17.0.2:80/tcp}. */
  @Override
  public String toString() {
    return plain(hostAddress) + ":" + hostPort + ":" + plain(address) + ":" + name();
  }

  private static String plain(String numeric) {
    return numeric.indexOf(':') < 0 ? numeric : "[" + numeric + "]";
  }
}
