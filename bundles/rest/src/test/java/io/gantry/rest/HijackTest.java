package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class HijackTest {

  private static final String UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() throws Exception {
    api = new Api(directory);
    assertEquals(201, api.post("/containers/create?name=web", "{\"Image\":\"busybox\"}").status());
  }

  @AfterEach
  void stop() {
    api.close();
  }

  private SocketChannel attach(String headers, String extra) throws Exception {
    var channel = api.connect();
    Api.send(
        channel,
        "POST /v1.51/containers/web/attach?stdin=1&stdout=1&stderr=1&stream=1 HTTP/1.1\r\n"
            + "Host: docker\r\nContent-Length: 0\r\n"
            + headers
            + "\r\n"
            + extra);
    return channel;
  }

  private static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "condition never held");
      Thread.onSpinWait();
    }
  }

  @Test
  void anUpgradedAttachAnswers101AndRelaysBothWays() throws Exception {
    try (var client = attach(UPGRADE, "")) {
      String head = Api.readUntil(client, "\r\n\r\n");
      assertTrue(head.startsWith("HTTP/1.1 101 UPGRADED\r\n"), head);
      assertTrue(
          head.contains("Content-Type: application/vnd.docker.multiplexed-stream\r\n"), head);
      assertTrue(head.contains("Connection: Upgrade\r\n"), head);
      assertTrue(head.contains("Upgrade: tcp\r\n"), head);
      assertFalse(head.contains("Content-Length"), head);
      LoopStream stream = api.containers.lastStream;
      stream.put("hello");
      assertEquals("hello", Api.readUntil(client, "hello"));
      Api.send(client, "typed");
      until(() -> stream.input().equals("typed"));
    }
  }

  @Test
  void anAttachOfDocker20WithAnEmptyHostIsServed() throws Exception {
    try (var client = api.connect()) {
      Api.send(
          client,
          "POST /v1.41/containers/web/attach?stderr=1&stdout=1&stream=1 HTTP/1.1\r\nHost: \r\n"
              + "Content-Length: 0\r\nContent-Type: text/plain\r\n"
              + UPGRADE
              + "\r\n");
      String head = Api.readUntil(client, "\r\n\r\n");
      assertTrue(head.startsWith("HTTP/1.1 101 UPGRADED\r\n"), head);
    }
  }

  @Test
  void withoutUpgradeTheAnswerIs200WithNeitherLengthNorChunks() throws Exception {
    try (var client = attach("", "")) {
      String head = Api.readUntil(client, "\r\n\r\n");
      assertTrue(head.startsWith("HTTP/1.1 200 OK\r\n"), head);
      assertTrue(head.contains("Content-Type: application/vnd.docker.raw-stream\r\n"), head);
      assertFalse(head.contains("Content-Length"), head);
      assertFalse(head.contains("chunked"), head);
      api.containers.lastStream.put("a");
      api.containers.lastStream.put("");
      assertEquals("a", Api.readAll(client));
    }
  }

  /**
   * The connection waits for the client's side for ten seconds, but not longer than that takes. A
   * thread that has nothing to do may still have the last one it served on its stack: not all of
   * them are asked for.
   */
  @Test
  void streamsAreFreeAsSoonAsTheirClientsHaveGone() throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(9);
    var streams = new ArrayList<WeakReference<LoopStream>>();
    for (int i = 0; i < 40; i++) {
      streams.add(new WeakReference<>(streamOfAClientThatHasGone()));
    }
    until(
        () -> {
          System.gc();
          long held = streams.stream().filter(stream -> stream.get() != null).count();
          assertTrue(System.nanoTime() < limit, held + " of 40 streams are still held");
          return held < 20;
        });
  }

  private LoopStream streamOfAClientThatHasGone() throws Exception {
    try (var client = attach(UPGRADE, "")) {
      Api.readUntil(client, "\r\n\r\n");
      var stream = api.containers.lastStream;
      api.containers.lastStream = null;
      stream.put("");
      Api.readAll(client);
      return stream;
    }
  }

  /** Its first bytes would be lost in the buffer that the client reads the head through. */
  @Test
  void outputForDockersPythonSdkDoesNotComeTogetherWithTheHead() throws Exception {
    for (String agent :
        new String[] {"docker-sdk-python/7.1.0", "docker-compose/1.29 docker-py/4"}) {
      try (var client = attach(UPGRADE + "User-Agent: " + agent + "\r\n", "")) {
        until(() -> api.containers.lastStream != null);
        api.containers.lastStream.put("hello");
        var first = ByteBuffer.allocate(8192);
        client.read(first);
        String head = new String(first.array(), 0, first.position(), StandardCharsets.UTF_8);
        assertTrue(head.endsWith("\r\n\r\n"), head);
        assertEquals("hello", Api.readUntil(client, "hello"));
        api.containers.lastStream = null;
      }
    }
  }

  @Test
  void anExecWithATerminalIsFramedUnlessItsStartSaysSo() throws Exception {
    api.post("/containers/web/start", "");
    for (String tty : new String[] {"false", "true"}) {
      String exec =
          api.post("/containers/web/exec", "{\"Cmd\":[\"sh\"],\"Tty\":true,\"AttachStdout\":true}")
              .json()
              .text("Id");
      String body = "{\"Tty\":" + tty + "}";
      try (var client = api.connect()) {
        Api.send(
            client,
            "POST /v1.51/exec/"
                + exec
                + "/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
                + "Content-Length: "
                + body.length()
                + "\r\n"
                + UPGRADE
                + "\r\n"
                + body);
        Api.readUntil(client, "\r\n\r\n");
        api.containers.lastStream.put("hello");
        String frame = tty.equals("true") ? "" : "\u0001\0\0\0\0\0\0\u0005";
        assertEquals(frame + "hello", Api.readUntil(client, "hello"));
      }
    }
  }

  @Test
  void bytesBehindTheHeadAreStandardInput() throws Exception {
    try (var client = attach(UPGRADE, "early bytes")) {
      Api.readUntil(client, "\r\n\r\n");
      until(() -> api.containers.lastStream.input().equals("early bytes"));
    }
  }

  @Test
  void halfACloseEndsInputAndOutputGoesOn() throws Exception {
    try (var client = attach(UPGRADE, "last words")) {
      Api.readUntil(client, "\r\n\r\n");
      client.shutdownOutput();
      LoopStream stream = api.containers.lastStream;
      assertTrue(stream.inputClosed.await(60, TimeUnit.SECONDS));
      assertEquals("last words", stream.input());
      stream.put("still here");
      assertEquals("still here", Api.readUntil(client, "still here"));
      stream.put("");
      assertEquals("", Api.readAll(client));
      assertTrue(stream.closed.await(60, TimeUnit.SECONDS));
    }
  }

  @Test
  void theEndOfOutputClosesOurSideThoughInputIsUnread() throws Exception {
    try (var client = attach(UPGRADE, "")) {
      Api.readUntil(client, "\r\n\r\n");
      LoopStream stream = api.containers.lastStream;
      stream.hold();
      Api.send(client, "x".repeat(100_000));
      stream.put("result");
      stream.put("");
      assertEquals("result", Api.readAll(client)); // not: connection reset
      assertTrue(stream.closed.await(60, TimeUnit.SECONDS));
      stream.release();
    }
  }

  @Test
  void aClientThatGoesAwayReleasesTheStream() throws Exception {
    var client = attach(UPGRADE, "");
    Api.readUntil(client, "\r\n\r\n");
    LoopStream stream = api.containers.lastStream;
    client.close();
    assertTrue(stream.closed.await(60, TimeUnit.SECONDS));
  }

  @Test
  void aClientThatGoesAwayAfterHalfACloseIsNoticedToo() throws Exception {
    var client = attach(UPGRADE, "");
    Api.readUntil(client, "\r\n\r\n");
    LoopStream stream = api.containers.lastStream;
    client.shutdownOutput();
    assertTrue(stream.inputClosed.await(60, TimeUnit.SECONDS));
    assertFalse(stream.closed.await(3, TimeUnit.SECONDS)); // half closed is not gone
    client.close();
    assertTrue(stream.closed.await(60, TimeUnit.SECONDS));
  }

  @Test
  void aContainerThatDoesNotReadHoldsItsClientBack() throws Exception {
    try (var client = attach(UPGRADE, "")) {
      Api.readUntil(client, "\r\n\r\n");
      LoopStream stream = api.containers.lastStream;
      stream.hold();
      client.configureBlocking(false);
      var flood = ByteBuffer.allocate(64 * 1024);
      long sent = 0;
      int refused = 0;
      while (refused < 1000 && sent < 64 << 20) {
        flood.clear();
        int n = client.write(flood);
        sent += n;
        refused = n == 0 ? refused + 1 : 0;
        Thread.onSpinWait();
      }
      assertTrue(sent < 8 << 20, "took " + sent + " bytes that nobody reads");
      assertTrue(stream.inputSize() <= 64 * 1024, "one write at a time");
      stream.release();
    }
  }

  @Test
  void aClientThatDoesNotReadHoldsTheContainerBack() throws Exception {
    try (var client = attach(UPGRADE, "")) {
      Api.readUntil(client, "\r\n\r\n");
      LoopStream stream = api.containers.lastStream;
      byte[] block = new byte[64 * 1024];
      for (int i = 0; i < 200; i++) {
        stream.put(block);
      }
      until(() -> stream.reads() > 1);
      assertTrue(stream.reads() < 150, "read ahead of the client");
      stream.put("");
      assertEquals(200L * block.length, Api.readAll(client).length());
    }
  }

  @Test
  void aTerminalIsRawAndOldVersionsToo() throws Exception {
    api.containers.terminal = true;
    try (var client = attach(UPGRADE, "")) {
      assertTrue(Api.readUntil(client, "\r\n\r\n").contains("vnd.docker.raw-stream"));
    }
    api.containers.terminal = false;
    try (var client = api.connect()) {
      Api.send(
          client,
          "POST /v1.41/containers/web/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\n"
              + "Content-Length: 0\r\n"
              + UPGRADE
              + "\r\n");
      assertTrue(Api.readUntil(client, "\r\n\r\n").contains("vnd.docker.raw-stream"));
    }
  }

  @Test
  void anExecIsHijackedBehindItsJsonBody() throws Exception {
    api.post("/containers/web/start");
    var created = api.post("/containers/web/exec", "{\"Cmd\":[\"ls\"],\"AttachStdout\":true}");
    assertEquals(201, created.status());
    String id = created.json().text("Id");
    String body = "{\"Detach\":false,\"Tty\":false}";
    try (var client = api.connect()) {
      Api.send(
          client,
          "POST /v1.51/exec/"
              + id
              + "/start HTTP/1.1\r\nHost: d\r\n"
              + "Content-Type: application/json\r\nContent-Length: "
              + body.length()
              + "\r\n"
              + UPGRADE
              + "\r\n"
              + body
              + "stdin");
      assertTrue(Api.readUntil(client, "\r\n\r\n").startsWith("HTTP/1.1 101 UPGRADED"));
      LoopStream stream = api.containers.lastStream;
      until(() -> stream.input().equals("stdin"));
      stream.put("files");
      stream.put("");
      assertEquals("files", Api.readAll(client));
    }
  }

  @Test
  void waitSendsItsHeadAtOnceAndHoldsNoThread() throws Exception {
    api.post("/containers/web/start");
    var clients = new SocketChannel[300]; // more than there are threads
    try {
      for (int i = 0; i < clients.length; i++) {
        clients[i] = api.connect();
        Api.send(
            clients[i],
            "POST /containers/web/wait?condition=next-exit HTTP/1.1\r\nHost: d\r\n"
                + "Content-Length: 0\r\n\r\n");
        String head = Api.readUntil(clients[i], "\r\n\r\n");
        assertTrue(head.startsWith("HTTP/1.1 200 OK"), head);
      }
      assertEquals(200, api.get("/_ping").status());
      api.containers.box("web").end(7);
      for (var client : clients) {
        assertTrue(Api.readAll(client).contains("{\"StatusCode\":7}\n"));
      }
    } finally {
      for (var client : clients) {
        if (client != null) {
          client.close();
        }
      }
    }
  }

  @Test
  void aWaitingClientThatLeavesIsForgotten() throws Exception {
    api.post("/containers/web/start");
    try (var client = api.connect()) {
      Api.send(
          client, "POST /containers/web/wait HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n");
      Api.readUntil(client, "\r\n\r\n");
    }
    until(() -> api.containers.box("web").waiters.get(0).isDone());
  }

  @Test
  void logsFollowInChunks() throws Exception {
    try (var client = api.connect()) {
      Api.send(client, "GET /containers/web/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n");
      String head = Api.readUntil(client, "\r\n\r\n");
      assertTrue(head.contains("Transfer-Encoding: chunked"), head);
      api.containers.lastStream.put("line");
      assertEquals("4\r\nline\r\n", Api.readUntil(client, "line\r\n"));
      api.containers.lastStream.put("");
      assertEquals("0\r\n\r\n", Api.readAll(client));
    }
  }

  @Test
  void logsTakeGosZeroTimeForNoBound() throws Exception {
    for (String bound : new String[] {"-62135596800.000000000", "0", ""}) {
      try (var client = api.connect()) {
        Api.send(
            client,
            "GET /containers/web/logs?stdout=1&follow=1&since=%s&until=%s HTTP/1.1\r\nHost: d\r\n\r\n"
                .formatted(bound, bound));
        String head = Api.readUntil(client, "\r\n\r\n");
        assertTrue(head.startsWith("HTTP/1.1 200"), head);
        assertNull(api.containers.lastLogs.since(), bound);
        assertNull(api.containers.lastLogs.until(), bound);
      }
    }
  }

  @Test
  void aDetachedExecAnswersNothing() throws Exception {
    api.post("/containers/web/start");
    String id = api.post("/containers/web/exec", "{\"Cmd\":[\"ls\"]}").json().text("Id");
    var reply = api.post("/exec/" + id + "/start", "{\"Detach\":true}");
    assertEquals(200, reply.status());
    assertEquals("", reply.body());
  }
}
