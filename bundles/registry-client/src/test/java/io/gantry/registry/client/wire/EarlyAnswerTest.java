package io.gantry.registry.client.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.gantry.spi.GantryException;
import io.gantry.spi.registry.HostTls;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server that answers before all of a body has gone out. */
@Timeout(60)
class EarlyAnswerTest {

  private final Connections connections = new Connections(Patience.USUAL);
  private final Exchange exchange = new Exchange(connections, Patience.USUAL);
  private final CountDownLatch end = new CountDownLatch(1);
  private HttpServer server;

  /** It ends when nobody takes it any more. */
  private static final class Endless implements Body {
    @Override
    public long length() {
      return 1L << 40;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      while (true) {
        out.write(new byte[1 << 16]);
      }
    }
  }

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 10);
    server.createContext(
        "/",
        call -> {
          call.sendResponseHeaders(202, 1);
          call.getResponseBody().write('.');
          call.getResponseBody().flush();
          await(end); // closing it would read what comes
        });
    server.start();
  }

  @AfterEach
  void stop() {
    end.countDown();
    connections.close();
    server.stop(0);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Reply send(String method) {
    var uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    return exchange.sendAsIs(
        new Sent(method, uri, Map.of(), new Endless(), Duration.ZERO),
        new Exchange.Peer(HostTls.NONE, false, false),
        new Settings(List.of(), List.of(), List.of(), Proxies.NONE, Patience.USUAL),
        new Traffic().of("registry"));
  }

  @Test
  void aPostThatIsAcceptedNeedNotBeWanted() {
    try (Reply reply = send("POST")) {
      assertEquals(202, reply.status());
    }
  }

  @Test
  void whoSaysToHaveAllOfAPieceIsNotBelieved() {
    var e = assertThrows(GantryException.class, () -> send("PATCH"));
    assertTrue(e.getMessage().endsWith("it has all before that has been sent"), e::getMessage);
  }
}
