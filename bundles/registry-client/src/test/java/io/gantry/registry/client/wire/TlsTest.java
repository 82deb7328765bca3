package io.gantry.registry.client.wire;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.gantry.api.Leased;
import io.gantry.registry.client.wire.Session.Ask;
import io.gantry.spi.GantryException;
import io.gantry.spi.Support;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.TlsIdentity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whom a registry is trusted by, and which certificates it is shown. */
@Timeout(60)
class TlsTest {

  private static final Patience PATIENCE =
      new Patience(
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          Duration.ofMillis(10),
          2);
  private static final Settings SETTINGS =
      new Settings(List.of(), List.of(), List.of(), Proxies.NONE, PATIENCE);

  private final List<String> clients = new CopyOnWriteArrayList<>();
  private final List<Integer> bodies = new CopyOnWriteArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private Authority authority;
  private HttpsServer server;
  private HostTls tls = HostTls.NONE;
  private Wire wire;

  /** Knows what its registry is trusted by. */
  private final class Known implements RegistryAuthProvider, Leased<RegistryAuthProvider> {
    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public HostTls tls(String host) {
      return host.equals(authority()) ? tls : HostTls.NONE;
    }

    @Override
    public <R> R call(String name, Function<? super RegistryAuthProvider, ? extends R> body) {
      return body.apply(this);
    }

    @Override
    public List<String> names() {
      return List.of("known");
    }

    @Override
    public String defaultName() {
      return "known";
    }
  }

  @BeforeEach
  void start() throws Exception {
    authority = new Authority("authority");
    serve("127.0.0.1");
    wire = new Wire(new Known(), PATIENCE, "test");
  }

  private void serve(String name) throws Exception {
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    server.setExecutor(threads);
    server.setHttpsConfigurator(new Asking(authority.server(name)));
    server.createContext("/", this::answer);
    server.start();
  }

  /** Asks for a certificate and takes none as well. */
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

  @AfterEach
  void stop() {
    wire.close();
    server.stop(0);
    threads.shutdownNow();
  }

  private String authority() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String client = client((HttpsExchange) exchange);
      clients.add(client);
      bodies.add(exchange.getRequestBody().readAllBytes().length);
      if (exchange.getRequestURI().getPath().equals("/plain")) {
        exchange.getResponseHeaders().set("Location", "http://127.0.0.1:9/");
        exchange.sendResponseHeaders(307, -1);
        return;
      }
      exchange.sendResponseHeaders(client.equals("CN=second") ? 200 : 403, -1);
    }
  }

  private static String client(HttpsExchange exchange) {
    try {
      return exchange.getSSLSession().getPeerPrincipal().getName();
    } catch (SSLPeerUnverifiedException e) {
      return "nobody";
    }
  }

  /** Never taken for an insecure one, although it is on loopback. */
  private int ask(String path) {
    var address = new Address(authority(), URI.create("https://" + authority()), false, false);
    Session session = wire.session(SETTINGS, address, "one", null, Wire.SILENT);
    try (Reply reply = session.send(new Ask("GET", path, Map.of(), List.of(), true))) {
      return reply.status();
    } finally {
      session.release();
    }
  }

  private GantryException refused(String path) {
    return assertThrows(GantryException.class, () -> ask(path));
  }

  @Test
  void aRegistryOfAnUnknownAuthorityIsRefused() {
    assertEquals(
        "Get \"https://%s/x\": tls: failed to verify certificate: x509: certificate signed by unknown authority"
            .formatted(authority()),
        refused("/x").getMessage());
    assertEquals(List.of(), clients);
  }

  @Test
  void aRegistryOfAnotherNameIsRefused() throws Exception {
    server.stop(0);
    serve("192.0.2.1");
    tls = new HostTls(List.of(authority.pem()), false, List.of());
    assertEquals(
        "Get \"https://%s/x\": tls: failed to verify certificate: x509: certificate is not valid for 127.0.0.1"
            .formatted(authority()),
        refused("/x").getMessage());
  }

  @Test
  void certificatesAreShownInTurnAndTheOneThatWasTakenIsRemembered() throws Exception {
    TlsIdentity first = authority.client("first");
    TlsIdentity second = authority.client("second");
    tls = new HostTls(List.of(authority.pem()), true, List.of(first, second));
    assertEquals(200, ask("/x"));
    assertEquals(200, ask("/x"));
    assertEquals(List.of("CN=first", "CN=second", "CN=second"), clients);
    clients.clear();
    tls = new HostTls(List.of(authority.pem()), true, List.of(first));
    assertEquals(403, ask("/x"), "the last answer counts, whatever it is");
    tls = new HostTls(List.of(authority.pem()), true, List.of());
    assertEquals(403, ask("/x"));
    assertEquals(List.of("CN=first", "nobody"), clients);
  }

  @Test
  void aRegistryWithoutTlsIsNamedAsOne() throws Exception {
    try (var plain = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      threads.execute(() -> refuseAlways(plain));
      String host = "127.0.0.1:" + plain.getLocalPort();
      var address = new Address(host, URI.create("https://" + host), false, false);
      Session session = wire.session(SETTINGS, address, "one", null, Wire.SILENT);
      var e =
          assertThrows(
              GantryException.class,
              () -> session.send(new Ask("GET", "/v2/", Map.of(), List.of(), true)));
      assertEquals(
          "Get \"https://%s/v2/\": http: server gave HTTP response to HTTPS client".formatted(host),
          e.getMessage());
      session.release();
    }
  }

  /** As a server of HTTP to what is none. */
  private static void refuseAlways(ServerSocket server) {
    while (!server.isClosed()) {
      try (Socket socket = server.accept()) {
        socket.getInputStream().read();
        socket.getOutputStream().write("HTTP/1.0 400 Bad Request\r\n\r\n".getBytes(US_ASCII));
      } catch (IOException e) {
        // the next one, if there is one
      }
    }
  }

  @Test
  void aBodyIsSentAnewWithTheNextCertificate() throws Exception {
    tls =
        new HostTls(
            List.of(authority.pem()),
            true,
            List.of(authority.client("first"), authority.client("second")));
    var address = new Address(authority(), URI.create("https://" + authority()), false, false);
    Session session = wire.session(SETTINGS, address, "one", null, Wire.SILENT);
    Body body = Body.of(new byte[300_000]);
    var ask = new Ask("PATCH", "/x", Map.of(), List.of(), false, body);
    try (Reply reply = session.send(ask)) {
      assertEquals(200, reply.status());
    }
    session.release();
    assertEquals(List.of("CN=first", "CN=second"), clients);
    assertEquals(List.of(300_000, 300_000), bodies);
  }

  @Test
  void aRedirectToPlainHttpIsRefused() {
    tls = new HostTls(List.of(authority.pem()), true, List.of());
    assertTrue(
        refused("/plain").getMessage().endsWith("refused: it leads from https to http"),
        () -> refused("/plain").getMessage());
  }
}
