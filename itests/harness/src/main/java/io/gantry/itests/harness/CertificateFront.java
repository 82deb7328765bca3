package io.gantry.itests.harness;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * TLS on loopback before a registry without, as Apache with {@code SSLVerifyClient optional_no_ca}:
 * a certificate is asked for, any is taken, and one of certain names gets further; all others get a
 * 403.
 */
public final class CertificateFront implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final char[] PASSWORD = "test".toCharArray();

  private final Behind behind;
  private final Set<String> welcome;
  private final HttpsServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<String> clients = new CopyOnWriteArrayList<>();

  /**
   * @param registry {@code HOST:PORT} of what is behind it
   * @param certificate its own, as {@link Certificates} has signed it
   * @param welcome names of certificates that get further
   */
  public CertificateFront(
      String registry, Path certificate, Path key, Path scratch, Set<String> welcome)
      throws IOException, GeneralSecurityException {
    this.behind = new Behind(registry);
    this.welcome = Set.copyOf(welcome);
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    server.setExecutor(threads);
    server.setHttpsConfigurator(new Asking(context(certificate, key, scratch)));
    server.createContext("/", this::answer);
    server.start();
  }

  private static SSLContext context(Path certificate, Path key, Path scratch)
      throws IOException, GeneralSecurityException {
    Path file = scratch.resolve("front.p12");
    Command.run(
            Map.of(),
            LIMIT,
            List.of(
                "openssl",
                "pkcs12",
                "-export",
                "-in",
                certificate.toString(),
                "-inkey",
                key.toString(),
                "-out",
                file.toString(),
                "-passout",
                "pass:test"))
        .ok();
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (var in = Files.newInputStream(file)) {
      store.load(in, PASSWORD);
    }
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), new TrustManager[] {new Anybody()}, null);
    return context;
  }

  /** Names no authorities, and takes whatever certificate comes. */
  private static final class Anybody implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  private static final class Asking extends HttpsConfigurator {
    Asking(SSLContext context) {
      super(context);
    }

    @Override
    public void configure(HttpsParameters parameters) {
      SSLParameters wanted = getSSLContext().getDefaultSSLParameters();
      wanted.setWantClientAuth(true);
      parameters.setSSLParameters(wanted);
    }
  }

  /** {@code HOST:PORT}. */
  public String host() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** Who asked, one a request; empty for nobody. */
  public List<String> clients() {
    return List.copyOf(clients);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String client = client((HttpsExchange) exchange);
      clients.add(client);
      if (!welcome.contains(client)) {
        exchange.sendResponseHeaders(403, -1);
        return;
      }
      behind.answer(exchange);
    }
  }

  private static String client(HttpsExchange exchange) {
    try {
      return exchange.getSSLSession().getPeerPrincipal().getName().replaceFirst("CN=", "");
    } catch (SSLPeerUnverifiedException e) {
      return "";
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
