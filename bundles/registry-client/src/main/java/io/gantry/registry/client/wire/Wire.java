package io.gantry.registry.client.wire;

import io.gantry.api.Leased;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.RegistryAuthProvider;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The way to all registries. */
public final class Wire implements AutoCloseable {

  /** Nobody waits for news. */
  public static final Consumer<Duration> SILENT = pause -> {};

  private final Leased<RegistryAuthProvider> providers;
  private final Connections connections;
  private final Exchange exchange;
  private final Traffic traffic = new Traffic();
  private final KnownRealms knownRealms = new KnownRealms();
  private final String userAgent;

  public Wire(Leased<RegistryAuthProvider> providers, Patience patience, String userAgent) {
    this.providers = providers;
    this.connections = new Connections(patience);
    this.exchange = new Exchange(connections, patience);
    this.userAgent = userAgent;
  }

  /**
   * Where a registry may be, in the order to try. One on loopback speaks TLS only, and shows a
   * certificate of the right authority, when a provider knows something of its TLS.
   */
  public List<Address> addresses(Settings settings, String registry) {
    List<Address> all = settings.addresses(registry);
    Address first = all.get(0);
    boolean isLoopback =
        first.insecure() && !first.isMirror() && !settings.isListed(Host.parse(registry));
    HostTls tls = isLoopback ? providers(settings).tls(registry) : HostTls.NONE;
    return tls.equals(HostTls.NONE)
        ? all
        : List.of(new Address(registry, first.base(), false, tls.roots().isEmpty()));
  }

  /**
   * Begins to ask a registry.
   *
   * @param operation that the requests are a part of
   * @param given what the user logs in with, or null; mirrors do not get it
   * @param pauses gets how long an overloaded registry is waited for, on any thread
   */
  public Session session(
      Settings settings,
      Address address,
      String operation,
      @Nullable Credentials given,
      Consumer<Duration> pauses) {
    Credentials credentials = given;
    if (address.isMirror()) {
      credentials = providers(settings).credentials(address.host());
    } else if (given == null) {
      credentials = providers(settings).credentials(address.registry());
    }
    boolean isStored = credentials != null && (given == null || address.isMirror());
    return new Session(
        this, settings, address, operation, new Session.Who(credentials, false, isStored), pauses);
  }

  /** Begins to ask a registry whether it takes credentials, and for a token to keep. */
  public Session login(
      Settings settings, Address address, String operation, Credentials credentials) {
    return new Session(
        this, settings, address, operation, new Session.Who(credentials, true, false), SILENT);
  }

  /** Has providers drop what they keep for a registry; for all when empty. */
  public void forget(Settings settings, String registry) {
    providers(settings).forget(registry);
    knownRealms.forget(registry);
  }

  public Traffic traffic() {
    return traffic;
  }

  Providers providers(Settings settings) {
    return new Providers(providers, settings.authOrder());
  }

  KnownRealms knownRealms() {
    return knownRealms;
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
