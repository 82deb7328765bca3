package io.gantry.engine.log;

import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Leased;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.log.LogTarget;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ShippingTest {
  @TempDir Path dir;
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
  private final ExecutorService workers = Executors.newCachedThreadPool();
  private final Shipper shipper = new Shipper();
  private final LogDamages damages = new LogDamages();
  private final Shipping shipping = new Shipping(shipper, timer, workers, damages);

  @AfterEach
  void stop() throws Exception {
    timer.shutdownNow();
    workers.shutdownNow();
    assertTrue(workers.awaitTermination(60, TimeUnit.SECONDS));
  }

  /** As many as there may be calls at a time write a line for each that is shipped. */
  @Test
  void whoAlwaysHasMoreKeepsNobodyOut() throws Exception {
    var busy = new CountDownLatch(8);
    for (int i = 0; i < 8; i++) {
      String id = "busy" + i;
      write(file(id), 0);
      shipper.onAppend(id, () -> write(file(id), 0), busy);
      begin(id);
    }
    assertTrue(busy.await(60, TimeUnit.SECONDS));
    var quiet = new CountDownLatch(1);
    shipper.onAppend("quiet", () -> {}, quiet);
    write(file("quiet"), 7);
    begin("quiet");
    assertTrue(quiet.await(60, TimeUnit.SECONDS));
  }

  /** Sixteen batches are a turn where each is quick. */
  @Test
  void whoTakesLongForEachBatchKeepsNobodyOut() throws Exception {
    var busy = new CountDownLatch(8);
    var calls = new AtomicInteger();
    for (int i = 0; i < 8; i++) {
      String id = "slow" + i;
      write(file(id), 0);
      shipper.onAppend(
          id,
          () -> {
            calls.incrementAndGet();
            write(file(id), 0);
            LockSupport.parkNanos(400_000_000);
          },
          busy);
      begin(id);
    }
    assertTrue(busy.await(60, TimeUnit.SECONDS));
    var quiet = new CountDownLatch(1);
    shipper.onAppend("quiet", () -> {}, quiet);
    write(file("quiet"), 7);
    begin("quiet");
    assertTrue(quiet.await(60, TimeUnit.SECONDS));
    assertTrue(calls.get() < 8 * 10, calls + " batches of the others came first");
  }

  @Test
  void aDamagedFileIsShippedAsFarAsItCanBeReadAndThenTheNext() throws Exception {
    for (int i = 0; i < 1000; i++) {
      write(file("plain"), i);
    }
    var whole = new ByteArrayOutputStream();
    new GzipMark(1, 2).compress(new ByteArrayInputStream(Files.readAllBytes(file("plain"))), whole);
    Files.write(dir.resolve("torn.1.gz"), Arrays.copyOf(whole.toByteArray(), whole.size() / 2));
    write(file("torn"), 1000);
    begin("torn");
    int next = 0;
    String line = shipper.lines.poll(60, TimeUnit.SECONDS);
    for (; Integer.toString(next).equals(line); next++) {
      line = shipper.lines.poll(60, TimeUnit.SECONDS);
    }
    assertTrue(next > 300 && next < 1000, next + " lines");
    assertEquals("1000", line);
    assertEquals(1, damages.list().size());
    write(file("torn"), 1001);
    assertEquals("1001", shipper.lines.poll(60, TimeUnit.SECONDS));
  }

  /** Other ends tell late that they have gone, and may stay away for long. */
  @Test
  void whatWasTakenShortlyBeforeTheOtherEndWentComesAgain() throws Exception {
    for (int i = 0; i < 1200; i++) {
      write(file("doubtful"), i);
    }
    var calls = new AtomicInteger();
    shipper.onAppend(
        "doubtful",
        () -> {
          int call = calls.incrementAndGet();
          if (call == 4) {
            shipping.reopen("memory"); // another instance is no reason to forget
          }
          if (call >= 3 && call < 7) { // after the fourth refusal more than a second has gone
            throw new GantryException(UNAVAILABLE, "away");
          }
        },
        new CountDownLatch(1));
    begin("doubtful");
    for (int i = 0; i < 1000; i++) {
      assertEquals(Integer.toString(i), shipper.lines.poll(60, TimeUnit.SECONDS));
    }
    for (int i = 0; i < 1200; i++) {
      assertEquals(Integer.toString(i), shipper.lines.poll(60, TimeUnit.SECONDS));
    }
  }

  private Path file(String id) {
    return dir.resolve(id);
  }

  private void begin(String id) {
    var target = new LogTarget(id, id, "", "", Map.of(), Map.of());
    shipping.begin(target, "memory", Map.of(), file(id), () -> true);
  }

  private static void write(Path file, long number) {
    try {
      Files.writeString(
          file,
          "{\"log\":\"%d\\n\",\"stream\":\"stdout\",\"time\":\"%s\"}\n"
              .formatted(number, Instant.ofEpochMilli(number)),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The one driver, always there. */
  private static final class Shipper implements LogDriver, Leased<LogDriver> {
    final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final Map<String, Runnable> steps = new ConcurrentHashMap<>();

    void onAppend(String id, Runnable step, CountDownLatch appended) {
      steps.put(
          id,
          () -> {
            step.run();
            appended.countDown();
          });
    }

    @Override
    public void append(String container, LogBatch batch) {
      steps.getOrDefault(container, () -> {}).run();
      for (var line : batch.lines()) {
        lines.add(new String(line.text().toArray(), UTF_8));
      }
    }

    @Override
    public <R> R call(String name, Function<? super LogDriver, ? extends R> body) {
      return body.apply(this);
    }

    @Override
    public List<String> names() {
      return List.of("memory");
    }

    @Override
    public String defaultName() {
      return "memory";
    }

    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public void open(LogTarget target, Map<String, String> options) {}

    @Override
    public void close(String container) {}

    @Override
    public LogBatch read(String container, String after, int maxLines) {
      return new LogBatch("0", List.of());
    }

    @Override
    public Recovery recover(Set<String> expected) {
      return new Recovery(expected, Set.of());
    }
  }
}
