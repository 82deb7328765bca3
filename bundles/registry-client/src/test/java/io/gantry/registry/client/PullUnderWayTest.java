package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Transfers.Telling;
import io.gantry.registry.client.wire.Patience;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Pulls that break off, go on, end early; and what they leave. */
class PullUnderWayTest extends RegistryFixture {

  @Test
  void aBlobThatBreaksOffIsGoneOnWith() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    String path = FakeRegistry.blobPath("a/b", MIDDLE.digest());
    AtomicInteger times = new AtomicInteger();
    registry.answers.put(
        path,
        exchange -> {
          if (times.getAndIncrement() < 2) {
            FakeRegistry.cutOff(exchange, MIDDLE.blob(), 100_000);
          }
          registry.serve(exchange, path);
        });
    engine.pull(name(":1"));
    assertEquals(
        List.of("", "bytes=100000-", "bytes=100000-"),
        registry.asked.stream()
            .filter(one -> one.path().equals(path))
            .map(one -> one.header("Range"))
            .toList());
  }

  @Test
  void aRegistryThatIsRestartedIsWaitedFor() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    String path = FakeRegistry.blobPath("a/b", MIDDLE.digest());
    AtomicInteger times = new AtomicInteger();
    registry.answers.put(
        path,
        exchange -> {
          if (times.getAndIncrement() == 0) {
            registry.goAway(Duration.ofMillis(300));
          }
          registry.serve(exchange, path);
        });
    var patience =
        new Patience(
            Engine.PATIENCE.connect(),
            Engine.PATIENCE.ping(),
            Engine.PATIENCE.answer(),
            Engine.PATIENCE.stall(),
            Engine.PATIENCE.document(),
            Duration.ofMillis(200),
            4);
    try (var patient = new Engine(temp.resolve("patient"), List.of(), patience)) {
      patient.pull(name(":1"));
      assertEquals(IMAGE.id(), patient.images.inspect(name(":1")).id());
    }
  }

  @Test
  void whatHasArrivedIsThereForTheNextPull() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    String path = FakeRegistry.blobPath("a/b", MIDDLE.digest());
    registry.answers.put(path, exchange -> FakeRegistry.cutOff(exchange, MIDDLE.blob(), 100_000));
    assertEquals(Kind.UNAVAILABLE, refused(name(":1")).kind());
    engine.assertHasNothing();
    registry.answers.clear();
    registry.asked.clear();
    engine.pull(name(":1"));
    assertEquals(
        List.of("bytes=100000-"),
        registry.asked.stream()
            .filter(one -> one.path().equals(path))
            .map(one -> one.header("Range"))
            .toList());
    assertEquals(0, registry.fetched(FakeRegistry.blobPath("a/b", BASE.digest())), "all was here");
    assertEquals(List.of(), engine.rests());
  }

  @Test
  void aRestThatWasDamagedIsFetchedAnew() throws IOException {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    String path = FakeRegistry.blobPath("a/b", MIDDLE.digest());
    byte[] wrong = MIDDLE.blob().clone();
    wrong[5000] ^= 1;
    registry.answers.put(path, exchange -> FakeRegistry.cutOff(exchange, wrong, 100_000));
    refused(name(":1"));
    registry.answers.clear();
    engine.pull(name(":1"));
    assertEquals(IMAGE.id(), engine.images.inspect(name(":1")).id());
  }

  /** Sends half of the blob and no more until the client hangs up. */
  private CountDownLatch stall(String path, byte[] content) {
    CountDownLatch stalled = new CountDownLatch(1);
    registry.answers.put(
        path,
        exchange -> {
          exchange.sendResponseHeaders(200, content.length);
          exchange.getResponseBody().write(content, 0, content.length / 2);
          exchange.getResponseBody().flush();
          stalled.countDown();
          await(new CountDownLatch(1));
        });
    return stalled;
  }

  @Test
  void aPullThatIsCancelledLeavesWhatHasArrivedAndNothingElse() throws Exception {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    CountDownLatch stalled = stall(FakeRegistry.blobPath("a/b", MIDDLE.digest()), MIDDLE.blob());
    var threads = Executors.newSingleThreadExecutor();
    Future<?> pull = threads.submit(() -> engine.pull(name(":1")));
    await(stalled);
    until(() -> engine.rests().stream().filter(name -> name.endsWith(".part")).count() == 3);
    var transfer = engine.client.list().get(0);
    assertEquals("pull " + name(":1"), transfer.kind() + " " + transfer.ref());
    engine.client.cancel(transfer.id());
    var e = assertThrows(ExecutionException.class, pull::get);
    assertEquals(Kind.CANCELLED, ((GantryException) e.getCause()).kind());
    threads.shutdown();
    engine.assertHasNothing();
    assertEquals(3, engine.rests().size());
    assertEquals(List.of(), engine.client.list());
    assertEquals(
        Kind.NOT_FOUND,
        assertThrows(GantryException.class, () -> engine.client.cancel(transfer.id())).kind());
  }

  @Test
  void anInterruptEndsAPull() throws Exception {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    CountDownLatch stalled = stall(FakeRegistry.blobPath("a/b", MIDDLE.digest()), MIDDLE.blob());
    var threads = Executors.newSingleThreadExecutor();
    Future<Kind> pull = threads.submit(() -> refused(name(":1")).kind());
    await(stalled);
    threads.shutdownNow();
    assertEquals(Kind.CANCELLED, pull.get());
    engine.assertHasNothing();
  }

  @Test
  void aClientThatIsGoneEndsItsPull() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    var gone =
        new Telling() {
          @Override
          public void says(String id, String status) {
            if (status.equals("Download complete")) {
              throw new UncheckedIOException(new IOException("broken pipe"));
            }
          }

          @Override
          public void at(String id, String status, long current, long total) {}

          @Override
          public void pushed(String tag, String digest, long size) {}
        };
    stall(FakeRegistry.blobPath("a/b", MIDDLE.digest()), MIDDLE.blob());
    assertThrows(
        UncheckedIOException.class, () -> engine.client.pull(name(":1"), false, "", null, gone));
    engine.assertHasNothing();
  }

  @Test
  void aRegistryWithoutRangesSendsAllAgain() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    String path = FakeRegistry.blobPath("a/b", MIDDLE.digest());
    AtomicInteger times = new AtomicInteger();
    registry.answers.put(
        path,
        exchange -> {
          if (times.getAndIncrement() == 0) {
            FakeRegistry.cutOff(exchange, MIDDLE.blob(), 100_000);
          }
          FakeRegistry.send(exchange, 200, "", MIDDLE.blob());
        });
    engine.pull(name(":1"));
    assertEquals(IMAGE.id(), engine.images.inspect(name(":1")).id());
  }

  @Test
  void aRegistryThatStallsIsAskedAgain() {
    engine.close();
    var impatient =
        new Patience(
            Duration.ofSeconds(20),
            Duration.ofSeconds(1),
            Duration.ofSeconds(20),
            Duration.ofMillis(1500),
            Duration.ofSeconds(20),
            Duration.ofMillis(10),
            4);
    engine = new Engine(temp.resolve("impatient"), List.of(), impatient);
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    String path = FakeRegistry.blobPath("a/b", MIDDLE.digest());
    stall(path, MIDDLE.blob());
    FakeRegistry.Answer stalling = registry.answers.get(path);
    registry.answers.put(
        path,
        exchange -> {
          if (exchange.getRequestHeaders().containsKey("Range")) {
            registry.serve(exchange, path);
          } else {
            stalling.to(exchange);
          }
        });
    engine.pull(name(":1"));
    assertEquals(IMAGE.id(), engine.images.inspect(name(":1")).id());
    assertTrue(engine.client.registries().get(0).retries() > 0);
  }
}
