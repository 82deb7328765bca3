package io.gantry.log.journald;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.UnixDatagram;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.log.LogTarget;
import io.gantry.spi.testkit.LogDriverContract;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a socket that takes entries as journald does, files in memory included. */
class JournaldDriverTest extends LogDriverContract {
  private static final String ID = "a1".repeat(32);

  @TempDir Path dir;
  private final List<JournaldDriver> drivers = new ArrayList<>();
  private final List<Map<String, String>> entries = new CopyOnWriteArrayList<>();
  private volatile @Nullable Thread reader;
  private final AtomicInteger files = new AtomicInteger();

  @BeforeEach
  void start() {
    back();
  }

  @AfterEach
  void stop() throws Exception {
    drivers.forEach(JournaldDriver::letGo);
    away();
  }

  @Override
  protected LogDriver driver() {
    var driver = new JournaldDriver(socket(), Duration.ofMillis(500));
    drivers.add(driver);
    return driver;
  }

  private Path socket() {
    return dir.resolve("socket");
  }

  @Override
  protected Map<String, String> options() {
    return Map.of("tag", "{{.Name}}/{{.ID}}", "labels", "team", "env", "MODE");
  }

  @Override
  protected List<String> arrived() {
    return entries.stream().map(entry -> entry.getOrDefault("MESSAGE", "?")).toList();
  }

  @Override
  protected void back() {
    var bound = UnixDatagram.bind(socket().toString(), Duration.ofMillis(100));
    var thread = new Thread(() -> read(bound), "journal");
    reader = thread;
    thread.start();
  }

  @Override
  protected void away() throws Exception {
    var running = reader;
    if (running != null) {
      reader = null;
      running.join();
      Files.deleteIfExists(socket());
    }
  }

  private void read(UnixDatagram from) {
    while (reader != null) {
      try {
        var received = from.receive(20 << 20);
        boolean asFile = received.message().remaining() == 0;
        files.addAndGet(asFile ? 1 : 0);
        entries.add(parse(asFile ? received.file() : received.message()));
      } catch (GantryException e) {
        // nothing came for a while
      }
    }
    from.close();
  }

  private static Map<String, String> parse(ByteBuffer entry) {
    var fields = new HashMap<String, String>();
    entry.order(ByteOrder.LITTLE_ENDIAN);
    while (entry.hasRemaining()) {
      var name = new StringBuilder();
      byte next = entry.get();
      for (; next != '=' && next != '\n'; next = entry.get()) {
        name.append((char) next);
      }
      int length = next == '=' ? lineLength(entry) : (int) entry.getLong();
      byte[] value = new byte[length];
      entry.get(value);
      assertEquals('\n', entry.get());
      fields.put(name.toString(), new String(value, UTF_8));
    }
    return fields;
  }

  private static int lineLength(ByteBuffer entry) {
    int length = 0;
    while (entry.get(entry.position() + length) != '\n') {
      length++;
    }
    return length;
  }

  @Test
  void fieldsAreThoseOfDocker() throws Exception {
    var driver = driver();
    driver.open(target(ID), options());
    var line =
        new LogBatch.Line(
            Instant.parse("2026-11-28T01:02:03.000000004Z"),
            "stderr",
            Bytes.copyOf("a\nb".getBytes(UTF_8)),
            true);
    driver.append(ID, new LogBatch("000000000000000a", List.of(line)));
    await(1);
    var entry = entries.get(0);
    assertEquals("a\nb", entry.get("MESSAGE"));
    assertEquals("3", entry.get("PRIORITY"));
    assertEquals("a1a1a1a1a1a1", entry.get("CONTAINER_ID"));
    assertEquals(ID, entry.get("CONTAINER_ID_FULL"));
    assertEquals("web", entry.get("CONTAINER_NAME"));
    assertEquals("web/a1a1a1a1a1a1", entry.get("CONTAINER_TAG"));
    assertEquals("web/a1a1a1a1a1a1", entry.get("SYSLOG_IDENTIFIER"));
    assertEquals("busybox", entry.get("IMAGE_NAME"));
    assertEquals("red", entry.get("TEAM"));
    assertEquals("test", entry.get("MODE"));
    assertEquals("true", entry.get("CONTAINER_PARTIAL_MESSAGE"));
    assertEquals("2026-11-28T01:02:03.000000004Z", entry.get("SYSLOG_TIMESTAMP"));
    assertEquals("10", entry.get("CONTAINER_LOG_ORDINAL"));
  }

  @Test
  void piecesOfALineAreNumberedPerStream() throws Exception {
    var driver = driver();
    driver.open(target(ID), options());
    driver.append(
        ID,
        new LogBatch(
            "000000000000000a", List.of(line("stdout", "a", true), line("stderr", "x", false))));
    driver.append(
        ID,
        new LogBatch(
            "000000000000000c", List.of(line("stdout", "b", false), line("stdout", "c", false))));
    await(4);
    assertEquals("1 false true", piece(0));
    assertEquals("null null null", piece(1));
    assertEquals("2 true null", piece(2));
    assertEquals("null null null", piece(3));
    String id = ID.substring(0, 48) + "000000000000000a";
    assertEquals(id, entries.get(0).get("CONTAINER_PARTIAL_ID"));
    assertEquals(id, entries.get(2).get("CONTAINER_PARTIAL_ID"));
  }

  private static LogBatch.Line line(String stream, String text, boolean partial) {
    return new LogBatch.Line(Instant.now(), stream, Bytes.copyOf(text.getBytes(UTF_8)), partial);
  }

  private String piece(int number) {
    var entry = entries.get(number);
    return entry.get("CONTAINER_PARTIAL_ORDINAL")
        + " "
        + entry.get("CONTAINER_PARTIAL_LAST")
        + " "
        + entry.get("CONTAINER_PARTIAL_MESSAGE");
  }

  @Test
  void labelsOfAnImageDoNotForgeFields() throws Exception {
    var driver = driver();
    var labels = Map.of("message", "forged", "container_id_full", "other", "team", "blue");
    var target = new LogTarget(ID, "web", "sha256:" + "c".repeat(64), "busybox", labels, Map.of());
    driver.open(target, Map.of("labels-regex", ".*"));
    var line = new LogBatch.Line(Instant.now(), "stdout", Bytes.copyOf("a".getBytes(UTF_8)), false);
    driver.append(ID, new LogBatch("0000000000000001", List.of(line)));
    await(1);
    var entry = entries.get(0);
    assertEquals("a", entry.get("MESSAGE"));
    assertEquals(ID, entry.get("CONTAINER_ID_FULL"));
    assertEquals("blue", entry.get("TEAM"));
  }

  @Test
  void whatIsTooLargeForAMessageIsAFile() throws Exception {
    var driver = driver();
    driver.open(target(ID), options());
    String large = "x".repeat(16_000_000);
    driver.append(ID, batch(0, large, "small"));
    await(2);
    assertEquals(List.of(large, "small"), arrived());
    assertEquals(1, files.get());
  }

  @Test
  void whereThereIsNoJournaldItSaysSo() throws IOException {
    var support = new JournaldDriver(dir.resolve("none"), Duration.ofSeconds(1)).probe();
    assertFalse(support.available());
    assertEquals("journald is not enabled on this host", support.reason());
  }

  @Test
  void optionsAreCheckedInDockersWords() {
    var e = assertThrows(GantryException.class, () -> driver().check(Map.of("foo", "x")));
    assertEquals("unknown log opt 'foo' for journald log driver", e.getMessage());
  }

  private void await(int count) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (entries.size() < count) {
      assertTrue(System.nanoTime() < end, "never " + count + " entries");
      LockSupport.parkNanos(5_000_000);
    }
  }
}
