package io.gantry.engine.log;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.LogQuery;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.HexFormat;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class LogStreamTest {
  @TempDir Path dir;
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
  private final ExecutorService workers = Executors.newCachedThreadPool();
  private final LogFollower follower = new LogFollower(timer, workers);
  private final LogDamages damages = new LogDamages();
  private final AtomicBoolean writing = new AtomicBoolean();
  private Path file;

  @BeforeEach
  void name() {
    file = dir.resolve("x-json.log");
  }

  @AfterEach
  void stop() {
    timer.shutdownNow();
    workers.shutdownNow();
  }

  @Test
  void framesAreThoseOfDocker() throws Exception {
    append(file, "out\\n", "stdout", 1);
    append(file, "err\\n", "stderr", 2);
    assertEquals(
        "01000000000000046f75740a" + "02000000000000046572720a",
        HexFormat.of().formatHex(bytes(query(-1, null, null), false)));
  }

  @Test
  void aTerminalHasNoFrames() throws Exception {
    append(file, "one\\r\\n", "stdout", 1);
    assertArrayEquals("one\r\n".getBytes(UTF_8), bytes(query(-1, null, null), true));
  }

  @Test
  void aTimeThatIsNoneHidesNoLine() throws Exception {
    line(file, "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\".\"}\n");
    line(file, "{\"log\":\"b\\n\",\"stream\":\"stdout\"}\n");
    var stamped = new LogQuery(true, true, false, true, false, null, null, -1);
    assertEquals(".000000000Z a\n.000000000Z b\n", new String(bytes(stamped, true), UTF_8));
  }

  @Test
  void stampsHaveNineDigits() throws Exception {
    line(file, "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T06:50:05.98Z\"}\n");
    line(file, "{\"log\":\"b\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T06:50:06Z\"}\n");
    var stamped = new LogQuery(true, true, false, true, false, null, null, -1);
    assertEquals(
        "2026-11-23T06:50:05.980000000Z a\n2026-11-23T06:50:06.000000000Z b\n",
        new String(bytes(stamped, true), UTF_8));
  }

  @Test
  void escapesAndForeignScriptsComeBack() throws Exception {
    append(
        file,
        "\\u003ctag\\u003e \\\"q\\\" \\\\ \\u0001 \u00e4\u20ac \\ud83d\\ude00\\n",
        "stdout",
        1);
    assertEquals("<tag> \"q\" \\ \u0001 \u00e4\u20ac \ud83d\ude00\n", text(-1));
  }

  @Test
  void tailCountsLinesAcrossRotatedFiles() throws Exception {
    for (int i = 1; i <= 3; i++) {
      append(dir.resolve("x-json.log.2"), i + "\\n", "stdout", i);
      append(dir.resolve("x-json.log.1"), (i + 3) + "\\n", "stdout", i + 3);
      append(file, (i + 6) + "\\n", "stdout", i + 6);
    }
    assertEquals("1\n2\n3\n4\n5\n6\n7\n8\n9\n", text(-1));
    assertEquals("", text(0));
    assertEquals("9\n", text(1));
    assertEquals("7\n8\n9\n", text(3));
    assertEquals("6\n7\n8\n9\n", text(4));
    assertEquals("3\n4\n5\n6\n7\n8\n9\n", text(7));
    assertEquals("1\n2\n3\n4\n5\n6\n7\n8\n9\n", text(9));
    assertEquals("1\n2\n3\n4\n5\n6\n7\n8\n9\n", text(1000));
  }

  @Test
  void tailFindsItsPlaceInALargeFile() throws Exception {
    var all = new StringBuilder();
    for (int i = 0; i < 20_000; i++) {
      all.append(json("line " + i + "\\n", "stdout", i));
    }
    Files.writeString(file, all);
    assertEquals("line 19998\nline 19999\n", text(2));
    assertEquals(15_000, text(15_000).lines().count());
  }

  @Test
  void timesCutInclusively() throws Exception {
    for (int i = 1; i <= 5; i++) {
      append(file, i + "\\n", "stdout", i);
    }
    assertEquals(
        "2\n3\n4\n",
        new String(
            bytes(query(-1, Instant.ofEpochSecond(2), Instant.ofEpochSecond(4)), true), UTF_8));
  }

  @Test
  void whatACrashCutShortDoesNotHideTheRest() throws Exception {
    append(file, "one\\n", "stdout", 1);
    line(file, "{\"log\":\"tw\n");
    append(file, "three\\n", "stdout", 3);
    line(file, "{\"log\":\"unfinished");
    assertEquals("one\nthree\n", text(-1));
  }

  @Test
  void noLogYetIsAnEmptyLog() throws Exception {
    assertEquals("", text(-1));
    assertEquals("", text(5));
  }

  @Test
  void aFollowerMissesNothingWhileFilesRotate() throws Exception {
    writing.set(true);
    append(file, "0\\n", "stdout", 0);
    var follow = new LogQuery(true, true, true, false, false, null, null, -1);
    var stream = LogStream.open(file, follow, true, writing::get, follower, damages);
    var seen = new StringBuilder();
    var expected = new StringBuilder("0\n");
    for (int i = 1; i <= 40; i++) {
      if (i % 4 == 0) {
        rotate();
      }
      append(file, i + "\\n", "stdout", i);
      expected.append(i).append('\n');
      if (i % 3 == 0) {
        while (seen.length() < expected.length()) {
          seen.append(UTF_8.decode(stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS)));
        }
      }
    }
    var last = stream.read().toCompletableFuture();
    writing.set(false);
    for (var bytes = last.get();
        bytes.hasRemaining();
        bytes = stream.read().toCompletableFuture().get()) {
      seen.append(UTF_8.decode(bytes));
    }
    assertEquals(expected.toString(), seen.toString());
  }

  @Test
  void aFileThatIsCutBackIsReadFromItsStart() throws Exception {
    writing.set(true);
    append(file, "a long first line\\n", "stdout", 1);
    var follow = new LogQuery(true, true, true, false, false, null, null, -1);
    var stream = LogStream.open(file, follow, true, writing::get, follower, damages);
    assertEquals(
        "a long first line\n", UTF_8.decode(stream.read().toCompletableFuture().get()).toString());
    var next = stream.read().toCompletableFuture();
    assertFalse(next.isDone());
    Files.writeString(file, json("b\\n", "stdout", 2));
    assertEquals("b\n", UTF_8.decode(next.get(60, TimeUnit.SECONDS)).toString());
    stream.close();
  }

  /** As one does whose log grows as fast as its client takes it. */
  @Test
  void aReaderThatReadsOnKeepsNobodyElseStill() throws Exception {
    writing.set(true);
    var follow = new LogQuery(true, true, true, false, false, null, null, -1);
    var busy = LogStream.open(file, follow, true, writing::get, follower, damages);
    var quietFile = dir.resolve("quiet-json.log");
    var quiet = LogStream.open(quietFile, follow, true, writing::get, follower, damages);
    var quietRead = quiet.read().toCompletableFuture();
    var reading = new CountDownLatch(1);
    var busyRead =
        busy.read()
            .thenApply(
                bytes -> {
                  reading.countDown();
                  return quietRead.orTimeout(20, TimeUnit.SECONDS).join();
                });
    append(file, "much\\n", "stdout", 1);
    assertTrue(reading.await(60, TimeUnit.SECONDS));
    append(quietFile, "little\\n", "stdout", 1);
    var bytes = busyRead.toCompletableFuture().get(60, TimeUnit.SECONDS);
    assertEquals("little\n", UTF_8.decode(bytes).toString());
    busy.close();
    quiet.close();
  }

  @Test
  void closingEndsAnOutstandingRead() throws Exception {
    writing.set(true);
    var follow = new LogQuery(true, true, true, false, false, null, null, -1);
    var stream = LogStream.open(file, follow, true, writing::get, follower, damages);
    var read = stream.read().toCompletableFuture();
    stream.close();
    assertFalse(read.get(60, TimeUnit.SECONDS).hasRemaining());
  }

  private void rotate() throws IOException {
    for (int age = 20; age > 0; age--) {
      var from = age == 1 ? file : dir.resolve("x-json.log." + (age - 1));
      if (Files.exists(from)) {
        Files.move(from, dir.resolve("x-json.log." + age));
      }
    }
  }

  private String text(long tail) throws Exception {
    return new String(bytes(query(tail, null, null), true), UTF_8);
  }

  private static LogQuery query(long tail, @Nullable Instant since, @Nullable Instant until) {
    return new LogQuery(true, true, false, false, false, since, until, tail);
  }

  private byte[] bytes(LogQuery query, boolean terminal) throws Exception {
    var stream = LogStream.open(file, query, terminal, writing::get, follower, damages);
    var all = new ByteArrayOutputStream();
    for (var next = stream.read().toCompletableFuture().get();
        next.hasRemaining();
        next = stream.read().toCompletableFuture().get()) {
      byte[] copy = new byte[next.remaining()];
      next.get(copy);
      all.writeBytes(copy);
    }
    return all.toByteArray();
  }

  private static void append(Path file, String text, String stream, long second)
      throws IOException {
    line(file, json(text, stream, second));
  }

  private static String json(String text, String stream, long second) {
    return "{\"log\":\"%s\",\"stream\":\"%s\",\"time\":\"%s\"}\n"
        .formatted(text, stream, Instant.ofEpochSecond(second));
  }

  private static void line(Path file, String line) throws IOException {
    Files.writeString(file, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }
}
