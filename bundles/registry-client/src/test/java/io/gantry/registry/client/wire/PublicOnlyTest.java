package io.gantry.registry.client.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.net.httpserver.HttpServer;
import io.gantry.api.Leased;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.RegistryAuthProvider;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A name that leads into a private network when it is connected to, whatever it did before. */
@Timeout(60)
class PublicOnlyTest {

  private final AtomicInteger asked = new AtomicInteger();
  private final Connections connections = new Connections(Patience.USUAL);
  private HttpServer server;

  @BeforeEach
  void start() throws Exception {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 10);
    server.createContext(
        "/",
        exchange -> {
          asked.incrementAndGet();
          exchange.sendResponseHeaders(204, -1);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    connections.close();
    server.stop(0);
  }

  private int port() {
    return server.getAddress().getPort();
  }

  private int ask(String name, Proxies proxies, boolean onlyPublic) throws Exception {
    var host = new Host(name, port());
    var use = connections.use(host, HostTls.NONE, -1, false, proxies, onlyPublic);
    try {
      return use.client().GET(URI.create("http://" + name + ":" + port() + "/")).getStatus();
    } finally {
      use.end().run();
    }
  }

  @Test
  void itIsNotConnectedTo() throws Exception {
    for (String name : new String[] {"localhost", "127.0.0.1"}) {
      var e = assertThrows(ExecutionException.class, () -> ask(name, Proxies.NONE, true));
      var refused = assertInstanceOf(GantryException.class, e.getCause());
      assertEquals(Kind.FORBIDDEN, refused.kind());
    }
    assertEquals(0, asked.get());
    assertEquals(204, ask("localhost", Proxies.NONE, false));
  }

  @ParameterizedTest
  @CsvSource({
    "PATCH, https://192.0.2.1, true",
    "PUT, https://192.0.2.1, true",
    "POST, https://192.0.2.1, true",
    "GET, https://192.0.2.1, false",
    "HEAD, https://192.0.2.1, false",
    "PATCH, https://10.0.0.1, false",
  })
  void aRedirectOfWhatChangesSomethingIsHeldToIt(String method, URI base, boolean isHeld) {
    var settings = new Settings(List.of(), List.of(), List.of(), Proxies.NONE, Patience.USUAL);
    try (var wire = new Wire(new Nobody(), Patience.USUAL, "test")) {
      var address = new Address(base.getHost(), base, false, false);
      Session session = wire.session(settings, address, "one", null, Wire.SILENT);
      var sent = new Sent(method, base.resolve("/x"), Map.of(), null, Duration.ZERO);
      URI next = URI.create("https://198.51.100.1/y");
      assertEquals(isHeld, session.redirected(sent, next).onlyPublic());
    }
  }

  /** No auth provider. */
  private static final class Nobody implements Leased<RegistryAuthProvider> {
    @Override
    public <R> R call(String name, Function<? super RegistryAuthProvider, ? extends R> body) {
      throw new GantryException(Kind.NOT_FOUND, "no such provider");
    }

    @Override
    public List<String> names() {
      return List.of();
    }

    @Override
    public String defaultName() {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void aProxyMayBeThere() throws Exception {
    Proxies proxies = Proxies.of("http://127.0.0.1:" + port(), "", "", Map.of());
    assertEquals(204, ask("registry.invalid", proxies, true));
    assertEquals(1, asked.get());
  }
}
