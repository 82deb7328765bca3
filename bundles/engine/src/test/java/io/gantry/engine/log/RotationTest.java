package io.gantry.engine.log;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.LogQuery;
import io.gantry.spi.GantryException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Logs that are read while their files are renamed and compressed, as the monitor does it. */
@Timeout(180)
class RotationTest {
  private static final int LINES = 6_000;
  private static final int PER_FILE = 40;
  private static final LogQuery ALL = query(false, -1);

  @TempDir Path dir;
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
  private final LogFollower follower = new LogFollower(timer, timer);
  private final LogDamages damages = new LogDamages();
  private final AtomicBoolean writing = new AtomicBoolean(true);
  private final ReentrantLock renaming = new ReentrantLock();
  private Path file;
  private int kept = Integer.MAX_VALUE;

  @BeforeEach
  void name() {
    file = dir.resolve("x-json.log");
  }

  @AfterEach
  void stop() {
    timer.shutdownNow();
  }

  @Test
  void compressedFilesReadLikeOthers() throws Exception {
    write(0, 200);
    LogCompressor.compress(file, LogCompressor.unwritten(file));
    assertTrue(Files.exists(dir.resolve("x-json.log.4.gz")));
    assertFalse(Files.exists(dir.resolve("x-json.log.4")));
    assertEquals(List.of(), scratch());
    assertEquals(numbers(0, 200), read(ALL));
    assertEquals(numbers(197, 200), read(query(false, 3)));
    assertEquals(numbers(97, 200), read(query(false, 103)));
    assertEquals(numbers(0, 200), read(query(false, 1000)));
    LogCompressor.compress(file, LogCompressor.unwritten(file)); // nothing is left to do
    assertEquals(numbers(0, 200), read(ALL));
  }

  /** A process of its own writes a log that must not block: it exchanges when it comes to it. */
  @Test
  void exchangesThatComeLaterFindWhatTheyWereToldOf() throws Exception {
    write(0, 200);
    var exchange = LogCompressor.unwritten(file);
    var orders = new ArrayList<Runnable>();
    for (int round = 0; round < 2; round++) {
      LogCompressor.compress(
          file, (compressed, inode) -> orders.add(() -> exchange.put(compressed, inode)));
    }
    assertEquals(8, orders.size());
    orders.subList(0, 4).forEach(Runnable::run);
    assertEquals(numbers(0, 200), read(ALL));
    assertTrue(Files.exists(dir.resolve("x-json.log.4.gz")));
    assertEquals(List.of(), scratch());
  }

  private List<Path> scratch() throws IOException {
    try (var files = Files.list(dir)) {
      return files.filter(name -> name.toString().matches(".*\\.(tmp|part)")).toList();
    }
  }

  @Test
  void whatCompressesLogsElsewhereReadsOurs() throws Exception {
    write(0, 2 * PER_FILE + 1);
    byte[] plain = Files.readAllBytes(dir.resolve("x-json.log.2"));
    LogCompressor.compress(file, LogCompressor.unwritten(file));
    var process =
        new ProcessBuilder("gzip", "-dc", dir.resolve("x-json.log.2.gz").toString()).start();
    assertEquals(
        new String(plain, UTF_8), new String(process.getInputStream().readAllBytes(), UTF_8));
    assertEquals(0, process.waitFor());
  }

  @Test
  void aGapThatACrashLeftHidesNothing() throws Exception {
    write(0, 200);
    Files.move(dir.resolve("x-json.log.4"), dir.resolve("x-json.log.5"));
    Files.move(dir.resolve("x-json.log.3"), dir.resolve("x-json.log.4"));
    assertEquals(numbers(0, 200), read(ALL));
    Files.delete(file); // between the last two renames
    assertEquals(numbers(0, 160), read(ALL));
  }

  @Test
  void nothingIsMissedOrSeenTwice() throws Exception {
    var following = CompletableFuture.supplyAsync(() -> readQuietly(query(true, -1)));
    var compressing = CompletableFuture.runAsync(this::compressUntilTheEnd);
    var looking = CompletableFuture.supplyAsync(this::lookUntilTheEnd);
    write(0, LINES);
    writing.set(false);
    assertEquals(numbers(0, LINES), following.get(120, TimeUnit.SECONDS));
    assertTrue(looking.get(60, TimeUnit.SECONDS) > 0);
    compressing.get(60, TimeUnit.SECONDS);
  }

  @Test
  void aFollowerOfASingleFileComesToTheEndOfEach() throws Exception {
    kept = 1;
    write(0, 3);
    var stream = LogStream.open(file, query(true, -1), true, writing::get, follower, damages);
    assertEquals("0\n1\n2\n", UTF_8.decode(stream.read().toCompletableFuture().get()).toString());
    var next = stream.read().toCompletableFuture();
    write(3, PER_FILE + 2); // the file is replaced within
    var seen = new StringBuilder(UTF_8.decode(next.get(60, TimeUnit.SECONDS)).toString());
    while (!seen.toString().endsWith((PER_FILE + 1) + "\n")) {
      seen.append(
          UTF_8.decode(stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS)).toString());
    }
    assertEquals(numbers(3, PER_FILE + 2), numbers(seen.toString()));
    stream.close();
  }

  /** Each look is at a run of numbers without a gap, from the beginning or of the length asked. */
  private long lookUntilTheEnd() {
    long looks = 0;
    for (; writing.get(); looks++) {
      var all = readQuietly(ALL);
      if (!all.equals(numbers(0, all.size()))) {
        throw new AssertionError("gap or repetition in " + all);
      }
      var tail = readQuietly(query(false, 101));
      if (!tail.isEmpty() && !tail.equals(numbers(tail.get(0), tail.get(0) + tail.size()))) {
        throw new AssertionError("gap or repetition in " + tail);
      }
      if (all.size() > 101 && tail.size() != 101) {
        throw new AssertionError(tail.size() + " lines of a tail of 101");
      }
    }
    return looks;
  }

  private void compressUntilTheEnd() {
    var exchange = LogCompressor.unwritten(file);
    while (writing.get()) {
      try {
        LogCompressor.compress(
            file,
            (compressed, inode) -> {
              renaming.lock();
              try {
                exchange.put(compressed, inode);
              } finally {
                renaming.unlock();
              }
            });
      } catch (IOException | GantryException e) {
        throw new AssertionError(e);
      }
    }
  }

  private void write(long from, long to) throws IOException {
    for (long i = from; i < to; i++) {
      if (i > 0 && i % PER_FILE == 0) {
        rotate();
      }
      Files.writeString(
          file,
          "{\"log\":\"%d\\n\",\"stream\":\"stdout\",\"time\":\"%s\"}\n"
              .formatted(i, Instant.ofEpochMilli(i)),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    }
  }

  /** As spool.c does. */
  private void rotate() throws IOException {
    renaming.lock();
    try {
      var fresh = Files.createFile(dir.resolve("x-json.log.new"));
      var names = new SpoolNames(file);
      int free = 1;
      while (names.exists(free)) {
        free++;
      }
      for (int age = kept == 1 ? -1 : free - 1; age >= 0; age--) {
        move(names.path(age), names.path(age + 1));
        if (age > 0) {
          move(names.compressedPath(age), names.compressedPath(age + 1));
        }
      }
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      renaming.unlock();
    }
  }

  private static void move(Path from, Path to) throws IOException {
    if (Files.exists(from)) {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  private List<Long> readQuietly(LogQuery query) {
    try {
      return read(query);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private List<Long> read(LogQuery query) throws Exception {
    var stream = LogStream.open(file, query, true, writing::get, follower, damages);
    var all = new ByteArrayOutputStream();
    for (var next = stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS);
        next.hasRemaining();
        next = stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS)) {
      byte[] copy = new byte[next.remaining()];
      next.get(copy);
      all.writeBytes(copy);
    }
    stream.close();
    return numbers(all.toString(UTF_8));
  }

  private static List<Long> numbers(String text) {
    return text.lines().map(Long::valueOf).toList();
  }

  private static List<Long> numbers(long from, long to) {
    return new ArrayList<>(LongStream.range(from, to).boxed().toList());
  }

  private static LogQuery query(boolean follow, long tail) {
    return new LogQuery(true, true, follow, false, false, null, null, tail);
  }

  @Test
  void aLogThatCannotBeLookedAtIsNotTakenForAnEmptyOne() throws IOException {
    Path loop = file.resolveSibling("loop");
    Files.createSymbolicLink(loop, loop.getFileName());
    assertThrows(IOException.class, () -> new SpoolNames(loop).newest());
  }
}
