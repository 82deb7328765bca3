package io.gantry.rest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Attaching inside a WebSocket. */
@Timeout(180)
class WebSocketTest {

  /** The example of RFC 6455, 1.3. */
  private static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";

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

  private SocketChannel open(String container, String headers) throws Exception {
    var channel = api.connect();
    Api.send(
        channel,
        "GET /v1.51/containers/"
            + container
            + "/attach/ws?stdin=1&stdout=1&stream=1 HTTP/1.1\r\nHost: docker\r\n"
            + headers
            + "\r\n");
    return channel;
  }

  private SocketChannel open() throws Exception {
    var client =
        open(
            "web",
            "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: "
                + KEY
                + "\r\n");
    String head = Api.readUntil(client, "\r\n\r\n");
    assertTrue(head.startsWith("HTTP/1.1 101 Switching Protocols\r\n"), head);
    assertTrue(head.contains("Upgrade: websocket\r\n"), head);
    assertTrue(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), head);
    return client;
  }

  private static byte[] frame(int first, byte[] data) {
    var frame = ByteBuffer.allocate(data.length + 14);
    frame.put((byte) first);
    if (data.length < 126) {
      frame.put((byte) (0x80 | data.length));
    } else if (data.length < 65536) {
      frame.put((byte) (0x80 | 126)).putShort((short) data.length);
    } else {
      frame.put((byte) (0x80 | 127)).putLong(data.length);
    }
    byte[] mask = {0x37, (byte) 0xfa, 0x21, 0x3d};
    frame.put(mask);
    for (int i = 0; i < data.length; i++) {
      frame.put((byte) (data[i] ^ mask[i % 4]));
    }
    byte[] bytes = new byte[frame.position()];
    frame.flip().get(bytes);
    return bytes;
  }

  private static void send(SocketChannel client, byte[] bytes) throws Exception {
    var left = ByteBuffer.wrap(bytes);
    while (left.hasRemaining()) {
      client.write(left);
    }
  }

  private static byte[] read(SocketChannel client, int count) throws Exception {
    var bytes = ByteBuffer.allocate(count);
    while (bytes.hasRemaining() && client.read(bytes) >= 0) {
      // until all is there
    }
    assertEquals(count, bytes.position(), "the connection ended early");
    return bytes.array();
  }

  private static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "condition never held");
      Thread.onSpinWait();
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(ISO_8859_1);
  }

  @Test
  void outputComesInBinaryMessagesWithoutDockersFrames() throws Exception {
    try (var client = open()) {
      var framed = new ByteArrayOutputStream();
      framed.write(new byte[] {1, 0, 0, 0, 0, 0, 0, 5});
      framed.write(ascii("hello"));
      framed.write(new byte[] {2, 0, 0, 0, 0, 0, 0, 6});
      framed.write(ascii(" w"));
      api.containers.lastStream.put(framed.toByteArray());
      assertEquals("\u0082\u0007hello w", new String(read(client, 9), ISO_8859_1));
      api.containers.lastStream.put("orld");
      assertEquals("\u0082\u0004orld", new String(read(client, 6), ISO_8859_1));
      api.containers.lastStream.put("");
      assertEquals("\u0088\u0002\u0003\u00e8", new String(read(client, 4), ISO_8859_1));
    }
  }

  @Test
  void messagesAreInputHoweverTheyAreCut() throws Exception {
    byte[] large = "x".repeat(70_000).getBytes(StandardCharsets.UTF_8);
    var all = new ByteArrayOutputStream();
    all.write(frame(0x01, ascii("one ")));
    all.write(frame(0x89, ascii("in between")));
    all.write(frame(0x80, ascii("two ")));
    all.write(frame(0x82, new byte[0]));
    all.write(frame(0x82, large));
    try (var client = open()) {
      byte[] bytes = all.toByteArray();
      for (int i = 0; i < 60; i++) {
        send(client, new byte[] {bytes[i]});
      }
      assertEquals("\u008a\nin between", new String(read(client, 12), ISO_8859_1));
      send(client, Arrays.copyOfRange(bytes, 60, bytes.length));
      String expected = "one two " + new String(large, StandardCharsets.UTF_8);
      until(() -> api.containers.lastStream.inputSize() == expected.length());
      assertEquals(expected, api.containers.lastStream.input());
    }
  }

  @Test
  void aCloseIsAnsweredAndEndsTheConnection() throws Exception {
    try (var client = open()) {
      send(client, frame(0x88, new byte[] {3, (byte) 0xe8}));
      assertEquals("\u0088\u0002\u0003\u00e8", new String(read(client, 4), ISO_8859_1));
      assertEquals("", Api.readAll(client));
    }
  }

  @Test
  void whatIsNoWebSocketIsCutOff() throws Exception {
    for (byte[] bytes :
        new byte[][] {
          {(byte) 0x82, 1, 'a', 'b', 'c', 'd', 'e', 'f'}, // not masked
          frame(0xc2, ascii("reserved bit")),
          frame(0x83, ascii("reserved opcode")),
          frame(0x09, ascii("ping in pieces")),
          frame(0x89, new byte[126]),
          frame(0x80, ascii("the end of nothing")),
          {(byte) 0x82, (byte) 0xff, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0}
        }) {
      try (var client = open()) {
        send(client, bytes);
        assertEquals("\u0088\u0002\u0003\u00ea", new String(read(client, 4), ISO_8859_1));
        assertEquals("", api.containers.lastStream.input());
      }
    }
  }

  @Test
  void aMessageDoesNotBeginInAnother() throws Exception {
    try (var client = open()) {
      send(client, frame(0x02, ascii("begins")));
      until(() -> api.containers.lastStream.inputSize() == 6);
      send(client, frame(0x82, ascii("another")));
      assertEquals("\u0088\u0002\u0003\u00ea", new String(read(client, 4), ISO_8859_1));
      assertEquals("begins", api.containers.lastStream.input());
    }
  }

  /** Threads on which nobody is told of a failure. */
  @Test
  void whatFailsAfterTheWaitForTheEngineIsAnswered() throws Exception {
    String upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: "
            + KEY
            + "\r\n\r\n";
    var failures =
        Map.<String, Runnable>of(
            "409",
            () -> {
              throw new GantryException(GantryException.Kind.CONFLICT, "it is paused");
            },
            "500",
            () -> {
              throw new NoClassDefFoundError("gone with an update");
            });
    for (var failure : failures.entrySet()) {
      api.containers.attachFails = failure.getValue();
      for (String request :
          List.of(
              "GET /containers/web/attach/ws?stdout=1 HTTP/1.1\r\nHost: docker\r\n" + upgrade,
              "POST /containers/web/attach?stdout=1 HTTP/1.1\r\nHost: docker\r\n\r\n")) {
        var recovered = new CompletableFuture<Void>();
        api.engine.recovered = recovered;
        try (var client = api.connect()) {
          Api.send(client, request);
          until(() -> recovered.getNumberOfDependents() > 0);
          recovered.complete(null);
          String reply = Api.readUntil(client, "}");
          assertTrue(reply.startsWith("HTTP/1.1 " + failure.getKey()), reply);
        }
      }
    }
  }

  @Test
  void othersAreRefused() throws Exception {
    try (var client = open("web", "")) {
      String reply = Api.readUntil(client, "protocol");
      assertTrue(reply.startsWith("HTTP/1.1 400 "), reply);
      assertTrue(reply.endsWith("not websocket protocol"), reply);
    }
    try (var client =
        open(
            "web",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: " + KEY + "\r\n")) {
      String reply = Api.readUntil(client, "\r\n\r\n");
      assertTrue(reply.startsWith("HTTP/1.1 426 "), reply);
    }
    try (var client = open("nosuch", "")) {
      String reply = Api.readUntil(client, "}");
      assertTrue(reply.startsWith("HTTP/1.1 404 ") && reply.contains("No such container"), reply);
    }
  }
}
