package io.gantry.engine.log;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.LogQuery;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Of a log with a damaged file everything else is read, and who looks is told what is lacking. */
@Timeout(60)
class DamagedLogTest {
  private static final int LINES = 5_000;

  @TempDir Path dir;
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
  private final LogFollower follower = new LogFollower(timer, timer);
  private final LogDamages damages = new LogDamages();
  private Path file;
  private Path older;
  private byte[] whole;

  @BeforeEach
  void write() throws IOException {
    file = dir.resolve("x-json.log");
    older = dir.resolve("x-json.log.1.gz");
    var packed = new ByteArrayOutputStream();
    new GzipMark(1, 2).compress(new ByteArrayInputStream(lines(0, LINES)), packed);
    whole = packed.toByteArray();
    Files.write(older, whole);
    Files.write(file, lines(LINES, LINES + 10));
  }

  @AfterEach
  void stop() {
    timer.shutdownNow();
  }

  @Test
  void aTornFileIsReadToItsLastWholeLine() throws Exception {
    int wholeLines = plain(Arrays.copyOf(whole, whole.length * 2 / 3));
    Files.write(older, Arrays.copyOf(whole, whole.length * 2 / 3));
    var read = read(-1);
    int first = read.size() - 10;
    assertEquals(IntStream.range(0, first).boxed().toList(), read.subList(0, first));
    assertEquals(wholeLines, first);
    assertEquals(LINES, read.get(first));
    assertEquals(List.of(), damages.list().stream().filter(w -> !w.contains(older + "")).toList());
    assertEquals(1, damages.list().size());
  }

  @Test
  void aFlippedByteHidesWhatIsBehindItAndNothingElse() throws Exception {
    var random = new Random(1);
    for (int i = 0; i < 40; i++) {
      byte[] damaged = whole.clone();
      damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(older, damaged);
      String text = text(-1); // a flipped bit may have taken a line's newline
      assertTrue(
          text.endsWith("5000\n5001\n5002\n5003\n5004\n5005\n5006\n5007\n5008\n5009\n"), text);
      assertEquals(10, text(10).lines().count());
    }
  }

  @Test
  void whatIsNoGzipAtAllIsPassedOver() throws Exception {
    for (byte[] none :
        List.of(new byte[0], new byte[3], new byte[500], "plain text\n".getBytes(UTF_8))) {
      Files.write(older, none);
      assertEquals(IntStream.range(LINES, LINES + 10).boxed().toList(), read(-1));
      assertEquals(IntStream.range(LINES, LINES + 10).boxed().toList(), read(11));
    }
  }

  @Test
  void aDamageIsToldUntilItsFileIsRotatedAway() throws Exception {
    byte[] wrong = whole.clone();
    wrong[wrong.length - 6] ^= 1; // of the checksum
    Files.write(older, wrong);
    assertEquals(List.of(), damages.list());
    assertEquals(LINES + 10, read(-1).size());
    assertEquals(1, damages.list().size());
    Files.move(older, dir.resolve("x-json.log.2.gz"));
    Files.write(dir.resolve("x-json.log.1"), lines(0, 1));
    read(-1);
    assertEquals(1, damages.list().size());
    Files.delete(dir.resolve("x-json.log.2.gz"));
    assertEquals(List.of(), damages.list());
  }

  @Test
  void ofManyDamagesTheNumberOfTheOthersIsTold() throws Exception {
    for (int i = 0; i < 103; i++) {
      file = dir.resolve("%03d-json.log".formatted(i));
      Files.write(dir.resolve(file + ".1.gz"), Arrays.copyOf(whole, whole.length / 2));
      Files.write(file, lines(0, 1));
      read(-1);
    }
    var told = damages.list();
    assertEquals(101, told.size());
    assertTrue(told.get(99).contains("099-json.log"), told.get(99));
    assertEquals("3 more files of logs are damaged", told.get(100));
  }

  /** Lines in what Java can have of it, a byte at a time. */
  private static int plain(byte[] gzip) {
    int lines = 0;
    try (var in = new GZIPInputStream(new ByteArrayInputStream(gzip))) {
      for (int c = in.read(); c >= 0; c = in.read()) {
        lines += c == '\n' ? 1 : 0;
      }
    } catch (IOException e) {
      return lines;
    }
    return lines;
  }

  private List<Integer> read(long tail) throws Exception {
    return text(tail).lines().map(Integer::valueOf).toList();
  }

  private String text(long tail) throws Exception {
    var query = new LogQuery(true, true, false, false, false, null, null, tail);
    var all = new ByteArrayOutputStream();
    try (var stream = LogStream.open(file, query, true, () -> false, follower, damages)) {
      for (var next = stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS);
          next.hasRemaining();
          next = stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS)) {
        byte[] copy = new byte[next.remaining()];
        next.get(copy);
        all.writeBytes(copy);
      }
    }
    return all.toString(UTF_8);
  }

  private static byte[] lines(int from, int to) {
    var text = new StringBuilder();
    for (int i = from; i < to; i++) {
      text.append(
          "{\"log\":\"%d\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:%02d.%09dZ\"}\n"
              .formatted(i, i % 60, i * 7919L % 1_000_000_000));
    }
    return text.toString().getBytes(UTF_8);
  }
}
