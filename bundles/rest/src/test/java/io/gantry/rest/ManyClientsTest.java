package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One thread waits for all clients: whatever some of them do, the others are answered. */
@Timeout(60)
class ManyClientsTest {

  /** Of each kind; together more than there are threads. */
  private static final int MANY = 200;

  /** So many requests that change something may hold a thread. */
  private static final int CHANGES = 96;

  @TempDir Path directory;
  private Api api;
  private SocketChannel known;
  private final List<SocketChannel> clients = new ArrayList<>();
  private final CountDownLatch release = new CountDownLatch(1);

  @BeforeEach
  void start() throws Exception {
    api = new Api(directory);
    known = api.connect();
    clients.add(known);
    assertEquals(
        "201", ask(known, "POST", "/containers/create?name=web", "{\"Image\":\"busybox\"}"));
    assertEquals("204", ask(known, "POST", "/containers/web/start", ""));
  }

  @AfterEach
  void stop() throws Exception {
    release.countDown();
    for (var client : clients) {
      client.close();
    }
    api.close();
  }

  private SocketChannel send(String request) throws Exception {
    var client = api.connect();
    clients.add(client);
    Api.send(client, request);
    return client;
  }

  private static String head(String method, String path, int length) {
    return method
        + " "
        + path
        + " HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: "
        + length
        + "\r\n\r\n";
  }

  /** Status of the answer on a connection that stays open. */
  private static String ask(SocketChannel client, String method, String path, String body)
      throws Exception {
    Api.send(client, head(method, path, body.length()) + body);
    var answer = Api.parse(Api.readUntil(client, "\r\n\r\n"));
    int length = Integer.parseInt(answer.headers().getOrDefault("content-length", "0"));
    var rest = java.nio.ByteBuffer.allocate(length);
    while (rest.hasRemaining()) {
      assertTrue(client.read(rest) > 0, "closed in the middle of an answer");
    }
    return answer.line().split(" ")[1];
  }

  /** On a new connection, and on one whose client has asked for something before. */
  private void assertQuickRequestsAreAnswered() throws Exception {
    var fresh = api.connect();
    clients.add(fresh);
    assertEquals("200", ask(fresh, "GET", "/_ping", ""));
    assertEquals("201", ask(known, "POST", "/containers/web/exec", "{\"Cmd\":[\"true\"]}"));
    assertEquals("200", ask(known, "GET", "/exec/" + "e".repeat(64) + "/json", ""));
    assertEquals("404", ask(known, "POST", "/containers/nosuch/wait", ""));
    Api.send(known, head("POST", "/containers/web/wait", 0));
    String answer = Api.readUntil(known, "\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
  }

  @Test
  void requestsThatHoldEveryThreadKeepNoQuickOneWaiting() throws Exception {
    var begun = new CountDownLatch(CHANGES);
    api.containers.slowly =
        () -> {
          begun.countDown();
          try {
            release.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    for (int i = 0; i < MANY; i++) {
      send(head("POST", "/containers/web/start", 0));
      send(head("GET", "/containers/json", 0));
    }
    assertTrue(begun.await(30, TimeUnit.SECONDS));
    assertQuickRequestsAreAnswered();
  }

  @Test
  void clientsThatStopInTheMiddleKeepNobodyWaiting() throws Exception {
    String half = "{\"Cmd\":[\"tr";
    var body = "{\"Image\":\"busybox\",\"Labels\":{\"l\":\"" + "x".repeat(1 << 20) + "\"}}";
    assertEquals("201", ask(known, "POST", "/containers/create?name=large", body));
    for (int i = 0; i < MANY; i++) {
      send("POST /containers/web/exec HTTP/1.1\r\nHo");
      send(head("POST", "/containers/web/exec", 100) + half);
      send(head("GET", "/containers/large/json", 0)); // and takes nothing of the answer
    }
    assertQuickRequestsAreAnswered();
    assertEquals(200, api.get("/containers/json").status());
  }

  @Test
  void aLogThatTakesNothingKeepsNoOtherRequestWaiting() throws Exception {
    var log = Logger.getLogger("io.gantry.rest.http.Audit");
    var stuck = new StuckLog("/containers/web/exec");
    log.setLevel(Level.FINE);
    log.addHandler(stuck);
    try {
      Api.send(known, head("POST", "/containers/web/exec", 16) + "{\"Cmd\":[\"true\"]}");
      assertTrue(stuck.reached.await(30, TimeUnit.SECONDS));
      var other = api.connect();
      clients.add(other);
      assertEquals("200", ask(other, "GET", "/_ping", ""));
    } finally {
      release.countDown();
      log.removeHandler(stuck);
      log.setLevel(null);
    }
  }

  /** Its writer waits with a record that names a path. */
  private final class StuckLog extends Handler {
    private final String path;
    private final CountDownLatch reached = new CountDownLatch(1);

    StuckLog(String path) {
      this.path = path;
    }

    @Override
    public void publish(LogRecord record) {
      if (List.of(record.getParameters()).contains(path)) {
        reached.countDown();
        try {
          release.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
