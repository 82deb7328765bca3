package io.gantry.monitor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a container says and is told: whole, in order, whoever reads how. */
@org.junit.jupiter.api.Tag("root")
@Timeout(180)
class MonitorStreamTest {

  private static Box box;

  @BeforeAll
  static void start() {
    box = new Box();
  }

  @AfterAll
  static void end() {
    box.close();
  }

  @Test
  void standardStreamsArriveApartAndFromTheFirstByte() throws Exception {
    try (var container = box.create(false, false);
        var stream = container.monitor.attach(Streams.OUTPUT)) {
      container.monitor.program(box.shell("echo out; echo err >&2"));
      byte[] all = Box.readAll(stream);
      assertEquals("out\n", Box.frames(all, 1));
      assertEquals("err\n", Box.frames(all, 2));
      assertEquals(0, container.awaitExit().status());
      String log = Files.readString(container.dir.resolve("log"));
      assertTrue(log.contains("{\"log\":\"out\\n\",\"stream\":\"stdout\""), log);
    }
  }

  @Test
  void standardInputArrivesAndEnds() throws Exception {
    try (var container = box.create(false, true);
        var stream = container.monitor.attach(Streams.ALL)) {
      container.monitor.program(box.program(false, "/bin/cat"));
      var text = "x".repeat(3_000_000);
      CompletableFuture<byte[]> echoed = new CompletableFuture<>();
      var reader =
          new Thread(
              () -> {
                try {
                  echoed.complete(Box.readAll(stream));
                } catch (Exception e) {
                  echoed.completeExceptionally(e);
                }
              });
      reader.start();
      stream
          .write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)))
          .thenCompose(done -> stream.closeInput())
          .toCompletableFuture()
          .get(Box.PATIENCE_SECONDS, TimeUnit.SECONDS);
      assertEquals(text, Box.frames(echoed.get(60, TimeUnit.SECONDS), 1));
      assertEquals(0, container.awaitExit().status());
      reader.join();
    }
  }

  @Test
  void nothingIsLostOnASlowReader() throws Exception {
    try (var container = box.create(false, false)) {
      countsForASlowReader(container);
    }
  }

  /** What nobody keeps goes by splice(2): in pieces as it lies in the pipe. */
  @Test
  void nothingIsLostOnASlowReaderWithoutALog() throws Exception {
    try (var container = box.createSilent()) {
      countsForASlowReader(container);
    }
  }

  private static void countsForASlowReader(Box.Container container) throws Exception {
    int lines = 6_600_000; // 50 MB
    try (var stream = container.monitor.attach(Streams.OUTPUT)) {
      container.monitor.program(box.program(false, "/bin/seq", "1", Integer.toString(lines)));
      MessageDigest actual = MessageDigest.getInstance("SHA-256");
      var frames = new FrameDigest(actual);
      for (int reads = 0; ; reads++) {
        ByteBuffer read = Box.read(stream);
        if (!read.hasRemaining()) {
          break;
        }
        frames.take(read);
        if (reads % 4 == 0) {
          box.spawner.hello(); // dawdles for as long as that takes
        }
        if (reads == 50) {
          assertFalse(container.exit.isDone(), "the container did not wait for its reader");
        }
      }
      assertTrue(frames.areWhole());
      assertArrayEquals(counted(lines), actual.digest());
      assertEquals(0, container.awaitExit().status());
    }
  }

  private static byte[] counted(int lines) throws Exception {
    MessageDigest expected = MessageDigest.getInstance("SHA-256");
    for (int i = 1; i <= lines; i++) {
      expected.update((i + "\n").getBytes(StandardCharsets.US_ASCII));
    }
    return expected.digest();
  }

  /** The pipe holds part of a frame that has begun when the process ends. */
  @Test
  void anEndIsToldThoughNobodyReadsAndLosesNothing() throws Exception {
    int lines = 250_000; // 1.6 MB: more than the socket holds, less than socket and pipe
    int fewer = 9_000; // fit into a pipe that has not grown
    try (var container = box.createSilent();
        var stream = container.monitor.attach(Streams.OUTPUT)) {
      container.monitor.program(
          box.shell("seq 1 " + lines + "; seq 1 " + fewer + " >&2; echo end; exit 3"));
      assertEquals(3, container.awaitExit().status());
      byte[] all = Box.readAll(stream);
      MessageDigest hash = MessageDigest.getInstance("SHA-256");
      String errors = Box.frames(all, 2);
      assertArrayEquals(
          counted(fewer), hash.digest(errors.getBytes(StandardCharsets.US_ASCII)), "errors");
      String out = Box.frames(all, 1);
      assertTrue(out.endsWith("end\n"));
      byte[] numbers = out.substring(0, out.length() - 4).getBytes(StandardCharsets.US_ASCII);
      assertArrayEquals(counted(lines), hash.digest(numbers), "output");
    }
  }

  @Test
  void aSecondClientGetsWholeFramesFromTheMiddle() throws Exception {
    try (var container = box.createSilent();
        var first = container.monitor.attach(Streams.OUTPUT)) {
      container.monitor.program(box.program(false, "/bin/seq", "1", "3000000"));
      Box.read(first);
      try (var second = container.monitor.attach(Streams.OUTPUT)) {
        var all = readOnAnotherThread(first);
        var late = Box.frames(Box.readAll(second), 1);
        all.get(60, TimeUnit.SECONDS);
        assertTrue(late.endsWith("\n3000000\n"), late.substring(Math.max(0, late.length() - 40)));
        assertEquals(0, container.awaitExit().status());
      }
    }
  }

  private static CompletableFuture<byte[]> readOnAnotherThread(MonitorStream stream) {
    CompletableFuture<byte[]> all = new CompletableFuture<>();
    new Thread(
            () -> {
              try {
                all.complete(Box.readAll(stream));
              } catch (Exception e) {
                all.completeExceptionally(e);
              }
            })
        .start();
    return all;
  }

  /** It takes what its client was promised: that client's stream ends, all else goes on. */
  @Test
  void aContainerThatReadsItsOwnOutputHarmsNobodyElse() throws Exception {
    try (var container = box.createSilent();
        var stream = container.monitor.attach(Streams.OUTPUT)) {
      container.monitor.program(
          box.shell(
              "cat /proc/self/fd/1 >/dev/null 2>&1 & seq 1 2000000; kill $!; echo end; exit 5"));
      Box.readAll(stream);
      assertEquals(5, container.awaitExit().status());
    }
  }

  /** Digests the content of frames that come in pieces. */
  private static final class FrameDigest {
    private final MessageDigest digest;
    private final ByteBuffer head = ByteBuffer.allocate(8);
    private int left;

    FrameDigest(MessageDigest digest) {
      this.digest = digest;
    }

    boolean areWhole() {
      return left == 0 && head.position() == 0;
    }

    void take(ByteBuffer bytes) {
      while (bytes.hasRemaining()) {
        if (left == 0) {
          head.put(bytes.get());
          if (!head.hasRemaining()) {
            left = head.getInt(4);
            head.clear();
          }
        } else {
          int length = Math.min(left, bytes.remaining());
          digest.update(bytes.slice(bytes.position(), length));
          bytes.position(bytes.position() + length);
          left -= length;
        }
      }
    }
  }
}
