package io.gantry.engine.network;

import io.gantry.monitor.HostListener;
import io.gantry.monitor.NetTable;
import io.gantry.spi.network.PortMapping;

/**
 * A port of the host that leads to a run.
 *
 * @param id of the listener
 * @param protocol {@code tcp}, {@code udp} or {@code sctp}
 * @param hostAddress numeric; {@code 0.0.0.0} and {@code ::} for all of a family
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

  public HostListener listener() {
    return new HostListener(id, protocol, hostAddress, hostPort);
  }

  public NetTable.Target target() {
    return new NetTable.Target(id, address, port);
  }

  public PortMapping mapping() {
    return new PortMapping(id, protocol, hostAddress, hostPort, address, port);
  }

  public Published by(String name, boolean proxy) {
    return new Published(id, protocol, hostAddress, hostPort, address, port, name, proxy);
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
