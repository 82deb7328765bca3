package io.gantry.jmx;

import io.gantry.api.Ports.PublishedPort;

/** A port of the host, in types that every JMX client knows. */
public final class PortInfo {

  private final PublishedPort port;

  PortInfo(PublishedPort port) {
    this.port = port;
  }

  /** Id. */
  public String getContainer() {
    return port.container();
  }

  public String getName() {
    return port.name();
  }

  public String getProtocol() {
    return port.protocol();
  }

  public String getHostAddress() {
    return port.hostAddress();
  }

  public int getHostPort() {
    return port.hostPort();
  }

  public String getNetwork() {
    return port.network();
  }

  /** Of the container, in the network. */
  public String getAddress() {
    return port.address();
  }

  public int getPort() {
    return port.port();
  }

  /** Name of the port mapper that leads there; empty: the proxy alone. */
  public String getMapper() {
    return port.mapper();
  }

  public boolean isProxied() {
    return port.proxied();
  }
}
