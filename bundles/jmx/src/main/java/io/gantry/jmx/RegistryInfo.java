package io.gantry.jmx;

import io.gantry.api.Transfers.Registry;

/** What has been exchanged with a registry, in types that every JMX client knows. */
public final class RegistryInfo {

  private final Registry registry;

  RegistryInfo(Registry registry) {
    this.registry = registry;
  }

  public String getName() {
    return registry.name();
  }

  public long getRequests() {
    return registry.requests();
  }

  /** Requests that got no answer, or one of 400 and above but 401 and 404. */
  public long getFailures() {
    return registry.failures();
  }

  /** Requests that were made again. */
  public long getRetries() {
    return registry.retries();
  }

  /** Bytes of bodies. */
  public long getReceivedBytes() {
    return registry.received();
  }

  /** Bytes of bodies. */
  public long getSentBytes() {
    return registry.sent();
  }
}
