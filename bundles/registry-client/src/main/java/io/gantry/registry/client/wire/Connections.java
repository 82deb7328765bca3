package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.HostTls;
import java.net.URI;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.client.BasicAuthentication;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.HttpProxy;
import org.eclipse.jetty.client.Origin;
import org.eclipse.jetty.client.ProxyAuthenticationProtocolHandler;
import org.eclipse.jetty.client.RedirectProtocolHandler;
import org.eclipse.jetty.client.WWWAuthenticationProtocolHandler;
import org.eclipse.jetty.client.transport.HttpClientTransportOverHTTP;
import org.eclipse.jetty.http.HttpCookieStore;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.ScheduledExecutorScheduler;
import org.jspecify.annotations.Nullable;

/**
 * Connections to registries: kept for the next request to the same host with the same trust and
 * identity, and for nobody else. Nothing is loaded before the first request.
 */
public final class Connections implements AutoCloseable {

  private static final int MOST_CLIENTS = 16;
  private static final int MOST_THREADS = 128;
  private static final int LONGEST_HEAD = 64 << 10;

  /**
   * What connections have to agree in.
   *
   * @param host empty where there is nothing special in {@code tls}
   * @param identity number of the certificate that is shown, -1 for none
   * @param onlyPublic the name of a host that is not to be reached in a private network, or empty
   */
  private record Key(
      String host,
      HostTls tls,
      int identity,
      boolean insecure,
      Proxies proxies,
      String onlyPublic) {}

  /** A client and how many use it now. */
  private static final class Shared {
    final HttpClient client;
    int users;

    Shared(HttpClient client) {
      this.client = client;
    }
  }

  private final Patience patience;
  private final ReentrantLock lock = new ReentrantLock();

  /** Guarded by lock; the one used longest ago comes first. */
  private final Map<Key, Shared> clients = new LinkedHashMap<>(16, 0.75f, true);

  private @Nullable QueuedThreadPool threads; // guarded by lock
  private boolean closed; // guarded by lock

  public Connections(Patience patience) {
    this.patience = patience;
  }

  /** The use of a client; to be closed when the answer has been read. */
  record Use(HttpClient client, Runnable end) {}

  /**
   * The use of a client for a host.
   *
   * @param onlyPublic whether an address of a private network is refused
   */
  Use use(
      Host host, HostTls tls, int identity, boolean insecure, Proxies proxies, boolean onlyPublic) {
    String name = tls.equals(HostTls.NONE) ? "" : host.toString();
    Key key = new Key(name, tls, identity, insecure, proxies, onlyPublic ? host.name() : "");
    lock.lock();
    try {
      if (closed) {
        throw new GantryException(Kind.CANCELLED, "the registry client is being stopped");
      }
      Shared shared = clients.get(key);
      if (shared == null) {
        shared = new Shared(start(key));
        clients.put(key, shared);
      }
      shared.users++;
      Shared used = shared;
      return new Use(shared.client, () -> end(used));
    } finally {
      lock.unlock();
    }
  }

  private void end(Shared used) {
    lock.lock();
    try {
      used.users--;
      Iterator<Shared> all = clients.values().iterator();
      for (int surplus = clients.size() - MOST_CLIENTS; surplus > 0 && all.hasNext(); ) {
        Shared oldest = all.next();
        if (oldest.users == 0) {
          all.remove();
          stop(oldest.client);
          surplus--;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private HttpClient start(Key key) {
    var connector = new ClientConnector();
    connector.setSelectors(1);
    connector.setExecutor(threads());
    var identities = key.tls().identities();
    connector.setSslContextFactory(
        Trust.factory(
            key.tls(), key.identity() < 0 ? null : identities.get(key.identity()), key.insecure()));
    var client = new HttpClient(new HttpClientTransportOverHTTP(connector));
    client.setExecutor(threads());
    client.setName("registry-client");
    client.setFollowRedirects(false);
    client.setHttpCookieStore(new HttpCookieStore.Empty());
    client.setUserAgentField(null);
    client.setConnectBlocking(false);
    client.setConnectTimeout(patience.connect().toMillis());
    client.setAddressResolutionTimeout(patience.connect().toMillis());
    client.setIdleTimeout(patience.stall().toMillis());
    client.setMaxResponseHeadersSize(LONGEST_HEAD);
    client.getContentDecoderFactories().clear();
    if (!key.onlyPublic().isEmpty()) {
      client.setScheduler(new ScheduledExecutorScheduler("registry-client", true));
      client.setSocketAddressResolver(new PublicOnly(key.onlyPublic(), client));
    }
    addProxy(client, key.proxies(), "http", key.proxies().http());
    addProxy(client, key.proxies(), "https", key.proxies().https());
    try {
      client.start();
    } catch (Exception e) { // whatever its parts throw
      throw new GantryException(Kind.INTERNAL, "start the registry client: " + e.getMessage(), e);
    }
    client.getContentDecoderFactories().clear(); // and those that the start has found
    // Ours is the answer to a challenge and to a redirect.
    client.getProtocolHandlers().remove(WWWAuthenticationProtocolHandler.NAME);
    client.getProtocolHandlers().remove(ProxyAuthenticationProtocolHandler.NAME);
    client.getProtocolHandlers().remove(RedirectProtocolHandler.NAME);
    return client;
  }

  private static void addProxy(
      HttpClient client, Proxies proxies, String scheme, @Nullable URI proxy) {
    if (proxy == null) {
      return;
    }
    Host host = Host.of(proxy);
    var address = new Origin.Address(host.name(), host.port());
    client.getProxyConfiguration().addProxy(new Chosen(address, proxy, proxies, scheme));
    if (proxy.getUserInfo() != null) {
      String[] user = proxy.getUserInfo().split(":", 2);
      client
          .getAuthenticationStore()
          .addAuthenticationResult(
              new BasicAuthentication.BasicResult(
                  URI.create(proxy.getScheme() + "://" + host.name() + ":" + host.port()),
                  HttpHeader.PROXY_AUTHORIZATION,
                  user[0],
                  user.length > 1 ? user[1] : ""));
    }
  }

  /** A proxy for the hosts that are not excluded. */
  private static final class Chosen extends HttpProxy {
    private final Proxies proxies;
    private final String scheme;

    Chosen(Origin.Address address, URI proxy, Proxies proxies, String scheme) {
      super(address, "https".equals(proxy.getScheme()));
      this.proxies = proxies;
      this.scheme = scheme;
    }

    @Override
    public boolean matches(Origin origin) {
      var address = origin.getAddress();
      return origin.getScheme().equals(scheme)
          && proxies.of(scheme, new Host(address.getHost(), address.getPort())).isPresent();
    }
  }

  private QueuedThreadPool threads() {
    QueuedThreadPool pool = threads;
    if (pool == null) {
      pool = new QueuedThreadPool(MOST_THREADS, 1);
      pool.setName("registry-client");
      pool.setDaemon(true);
      try {
        pool.start();
      } catch (Exception e) { // whatever its parts throw
        throw new GantryException(Kind.INTERNAL, "start threads: " + e.getMessage(), e);
      }
      threads = pool;
    }
    return pool;
  }

  /** Ends what is under way. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      clients.values().forEach(shared -> stop(shared.client));
      clients.clear();
      if (threads != null) {
        threads.stop();
      }
    } catch (Exception e) { // whatever its parts throw
      throw new GantryException(Kind.INTERNAL, "stop threads: " + e.getMessage(), e);
    } finally {
      lock.unlock();
    }
  }

  private static void stop(HttpClient client) {
    try {
      client.stop();
    } catch (Exception e) { // whatever its parts throw
      throw new GantryException(Kind.INTERNAL, "stop the registry client: " + e.getMessage(), e);
    }
  }
}
