package io.gantry.registry.client.wire;

import io.gantry.api.Leased;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import org.jspecify.annotations.Nullable;

/** The way to all registries. */
public final class Wire implements AutoCloseable {

  private final Leased<RegistryAuthProvider> providers;
  private final Connections connections;
  private final Exchange exchange;
  private final Traffic traffic = new Traffic();
  private final String userAgent;

  public Wire(Leased<RegistryAuthProvider> providers, Patience patience, String userAgent) {
    this.providers = providers;
    this.connections = new Connections(patience);
    this.exchange = new Exchange(connections, patience);
    this.userAgent = userAgent;
  }

  /**
   * Begins to ask a registry.
   *
   * @param operation that the requests are a part of
   * @param given what the user logs in with, or null; mirrors do not get it
   */
  public Session session(
      Settings settings, Address address, String operation, @Nullable Credentials given) {
    Credentials credentials = given;
    if (address.isMirror()) {
      credentials = providers(settings).credentials(address.host());
    } else if (given == null) {
      credentials = providers(settings).credentials(address.registry());
    }
    return new Session(this, settings, address, operation, credentials);
  }

  /** Has providers drop what they keep for a registry; for all when empty. */
  public void forget(Settings settings, String registry) {
    providers(settings).forget(registry);
  }

  public Traffic traffic() {
    return traffic;
  }

  Providers providers(Settings settings) {
    return new Providers(providers, settings.authOrder());
  }

  Exchange exchange() {
    return exchange;
  }

  String userAgent() {
    return userAgent;
  }

  @Override
  public void close() {
    connections.close();
  }
}
