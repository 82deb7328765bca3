package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Transfers.Telling;
import io.gantry.registry.client.TestImage.Layer;
import io.gantry.registry.client.TestImage.Packing;
import io.gantry.registry.client.wire.Patience;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a pull fetches, makes, tells and leaves. */
@Timeout(60)
class PullTest {

  private static final Layer BASE = TestImage.layer("base", 200_000, Packing.GZIP);
  private static final Layer MIDDLE = TestImage.layer("middle", 300_000, Packing.ZSTD);
  private static final Layer TOP = TestImage.layer("top", 1000, Packing.PLAIN);
  private static final TestImage IMAGE = TestImage.of("amd64", BASE, MIDDLE, TOP);
  private static final TestImage OTHER =
      TestImage.of("arm64", TestImage.layer("arm", 500, Packing.GZIP));

  @TempDir Path temp;
  private FakeRegistry registry;
  private Engine engine;

  @BeforeEach
  void start() throws IOException {
    registry = new FakeRegistry();
    engine = new Engine(temp);
  }

  @AfterEach
  void stop() {
    engine.close();
    registry.close();
  }

  private String name(String rest) {
    return registry.host() + "/a/b" + rest;
  }

  private GantryException refused(String ref) {
    return assertThrows(GantryException.class, () -> engine.pull(ref));
  }

  @ParameterizedTest
  @ValueSource(strings = {TestImage.OCI, TestImage.DOCKER})
  void anImageIsThereWithItsNames(String type) {
    Digest digest = IMAGE.in(registry, "a/b", "1", type);
    List<String> told = engine.pull(name(":1"));
    assertEquals("1: Pulling from a/b", told.get(0));
    assertEquals(
        List.of("Digest: " + digest, "Status: Downloaded newer image for " + name(":1")),
        told.subList(told.size() - 2, told.size()));
    for (Layer layer : IMAGE.blobs()) {
      int size = layer.blob().length;
      List<String> own =
          told.stream()
              .filter(line -> line.startsWith(layer.id()))
              .map(line -> line.substring(14))
              .distinct()
              .toList();
      assertEquals(
          List.of(
              "Pulling fs layer",
              "Downloading " + size,
              "Verifying Checksum",
              "Download complete",
              "Extracting " + size,
              "Pull complete"),
          own);
    }
    var image = engine.images.inspect(name(":1"));
    assertEquals(IMAGE.id(), image.id());
    assertEquals(List.of(name("@" + digest)), image.digests());
    assertEquals(3, image.layers().size());
    assertEquals(List.of(), engine.rests());
    var event = engine.events.get(0);
    assertEquals("pull " + name(":1"), event.action() + " " + event.actor());
    assertEquals(Map.of("a", "b", "name", name("")), event.attributes());
  }

  @Test
  void oneThatIsHereIsNotFetchedAgain() {
    Digest digest = IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    registry.asked.clear();
    assertEquals(
        List.of(
            "1: Pulling from a/b",
            "Digest: " + digest,
            "Status: Image is up to date for " + name(":1")),
        engine.pull(name(":1")));
    assertEquals(
        List.of("GET /v2/", "HEAD /v2/a/b/manifests/1"),
        registry.asked.stream().map(Object::toString).toList());
  }

  @Test
  void layersThatAreHereAreNotFetchedAgain() {
    TestImage.of("amd64", BASE).in(registry, "a/b", "base", TestImage.OCI);
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":base"));
    List<String> told = engine.pull(name(":1"));
    assertTrue(told.contains(BASE.id() + ": Already exists"), told::toString);
    assertEquals(1, registry.fetched(FakeRegistry.blobPath("a/b", BASE.digest())));
  }

  @Test
  void aDigestIsPulledUnderItself() {
    Digest digest = IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    List<String> told = engine.pull(name("@" + digest));
    assertEquals(name("@" + digest) + ": Pulling from a/b", told.get(0));
    assertEquals(
        "Status: Downloaded newer image for " + name("@" + digest), told.get(told.size() - 1));
    assertEquals(List.of(), engine.images.inspect(IMAGE.id().toString()).tags());
  }

  @Test
  void ofAnIndexTheImageForThisPlatformIsTaken() {
    Digest index = index(TestImage.OCI_INDEX);
    engine.pull(name(":multi"));
    var image = engine.images.inspect(name(":multi"));
    assertEquals(IMAGE.id(), image.id());
    assertEquals(List.of(name("@" + index)), image.digests());
    engine.pull(name(":multi"), false, "linux/arm64/v8");
    assertEquals(OTHER.id(), engine.images.inspect(name(":multi")).id());
    assertEquals(
        "no matching manifest for linux/s390x in the manifest list entries",
        assertThrows(GantryException.class, () -> engine.pull(name(":multi"), false, "linux/s390x"))
            .getMessage());
    assertEquals(
        List.of("linux/arm64", "unknown/unknown", "linux/amd64"),
        engine.client.manifest(name(":multi"), null).platforms());
  }

  /** The image for this platform lies behind a second index. */
  private Digest index(String type) {
    IMAGE.in(registry, "a/b", "amd", TestImage.OCI);
    OTHER.in(registry, "a/b", "arm", TestImage.OCI);
    byte[] own = IMAGE.manifest(TestImage.OCI);
    byte[] other = OTHER.manifest(TestImage.OCI);
    byte[] inner =
        TestImage.index(
            TestImage.OCI_INDEX,
            TestImage.descriptor(
                TestImage.OCI, Digest.sha256(own), own.length, TestImage.platform("amd64", "")));
    registry.manifest("a/b", "inner", TestImage.OCI_INDEX, inner);
    return registry.manifest(
        "a/b",
        "multi",
        type,
        TestImage.index(
            type,
            TestImage.descriptor(
                TestImage.OCI, Digest.sha256(other), other.length, TestImage.platform("arm64", "")),
            TestImage.descriptor(
                TestImage.OCI,
                Digest.sha256(other),
                other.length,
                ",\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}"
                    + ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}"),
            TestImage.descriptor(
                TestImage.OCI_INDEX,
                Digest.sha256(inner),
                inner.length,
                TestImage.platform("amd64", ""))));
  }

  @Test
  void aSingleManifestIsTakenForWhateverItIsAndTheUserIsWarned() {
    OTHER.in(registry, "a/b", "1", TestImage.OCI);
    List<String> told = engine.pull(name(":1"), false, "linux/amd64");
    assertEquals(
        "WARNING: image with reference %s was found but its platform (linux/arm64) does not match the specified platform (linux/amd64)"
            .formatted(name(":1")),
        told.get(told.size() - 1));
  }

  @Test
  void allTagsComeByWayOfTheirPages() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    OTHER.in(registry, "a/b", "2", TestImage.OCI);
    registry.answers.put(
        "/v2/a/b/tags/list",
        exchange -> {
          exchange.getResponseHeaders().set("Link", "</v2/a/b/tags/list?last=2>; rel=\"next\"");
          FakeRegistry.send(exchange, 200, "", "{\"tags\":[\"2\"]}".getBytes(UTF_8));
        });
    registry.answers.put(
        "/v2/a/b/tags/list?last=2",
        exchange -> {
          exchange.getResponseHeaders().set("Link", "<http://127.0.0.1:9/v2/x>; rel=\"next\"");
          FakeRegistry.send(exchange, 200, "", "{\"tags\":[\"1\",\"../x\"]}".getBytes(UTF_8));
        });
    List<String> told = engine.pull(name(""), true, "");
    assertEquals("2: Pulling from a/b", told.get(0));
    assertEquals("Status: Downloaded newer image for " + name(""), told.get(told.size() - 1));
    assertEquals(2, engine.images.list().size());
    told = engine.pull(name(""), true, "");
    assertEquals("Status: Image is up to date for " + name(""), told.get(told.size() - 1));
  }

  @ParameterizedTest
  @EnumSource(Packing.class)
  void whatThePolicyKeepsIsTheBlobAsItCame(Packing packing) throws IOException {
    engine.keeps = true;
    Layer layer = TestImage.layer("kept", 1000, packing);
    TestImage.of("amd64", layer).in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    boolean isKept = packing != Packing.PLAIN; // the layer itself gives plain ones back
    assertEquals(isKept, engine.store.has(layer.digest()));
  }

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

  @Test
  void pullsShareWhatIsOnItsWay() throws Exception {
    int pulls = 8;
    for (int i = 0; i < pulls; i++) {
      Layer own = TestImage.layer("own" + i, 1000, Packing.GZIP);
      TestImage.of("amd64", BASE, MIDDLE, own).in(registry, "r" + i, "1", TestImage.OCI);
    }
    CountDownLatch all = new CountDownLatch(pulls);
    for (int i = 0; i < pulls; i++) {
      for (Layer layer : List.of(BASE, MIDDLE)) {
        String path = FakeRegistry.blobPath("r" + i, layer.digest());
        registry.answers.put(
            path,
            exchange -> {
              await(all);
              registry.serve(exchange, path);
            });
      }
    }
    var threads = Executors.newFixedThreadPool(pulls);
    List<Future<List<String>>> results = new ArrayList<>();
    for (int i = 0; i < pulls; i++) {
      String ref = registry.host() + "/r" + i + ":1";
      results.add(
          threads.submit(
              () -> {
                var lines = new Engine.Lines();
                var counted =
                    new Telling() {
                      @Override
                      public void says(String id, String status) {
                        if (status.equals("Pulling fs layer") && id.equals(MIDDLE.id())) {
                          all.countDown();
                        }
                        lines.says(id, status);
                      }

                      @Override
                      public void at(String id, String status, long current, long total) {
                        lines.at(id, status, current, total);
                      }

                      @Override
                      public void pushed(String tag, String digest, long size) {}
                    };
                engine.client.pull(ref, false, "", null, counted);
                return lines.told;
              }));
    }
    for (Future<List<String>> result : results) {
      List<String> told = result.get();
      assertTrue(told.contains(MIDDLE.id() + ": Pull complete"), told::toString);
    }
    threads.shutdown();
    for (Layer layer : List.of(BASE, MIDDLE)) {
      long fetched =
          registry.asked.stream()
              .filter(one -> one.path().endsWith("/blobs/" + layer.digest()))
              .count();
      assertEquals(1, fetched);
    }
    assertEquals(pulls, engine.images.list().size());
    assertEquals(2 + pulls, engine.trees().size());
    assertEquals(List.of(), engine.rests());
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(30, TimeUnit.SECONDS)) {
        throw new IOException("not in time");
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static void until(BooleanSupplier fact) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!fact.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "not in time");
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
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

  /** The fetch belongs to both; the one that began it is cancelled. */
  @Test
  void whoSharesGoesOnWhenTheFirstIsCancelled() throws Exception {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    String path = FakeRegistry.blobPath("a/b", MIDDLE.digest());
    CountDownLatch first = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    registry.answers.put(
        path,
        exchange -> {
          first.countDown();
          await(go);
          registry.serve(exchange, path);
        });
    var threads = Executors.newFixedThreadPool(2);
    Future<?> one = threads.submit(() -> engine.pull(name(":1")));
    await(first);
    String id = engine.client.list().get(0).id();
    CountDownLatch second = new CountDownLatch(1);
    var lines =
        new Telling() {
          @Override
          public void says(String layer, String status) {
            if (layer.equals(TOP.id()) && status.equals("Download complete")) {
              second.countDown(); // the last of three, so it has joined the others
            }
          }

          @Override
          public void at(String layer, String status, long current, long total) {}

          @Override
          public void pushed(String tag, String digest, long size) {}
        };
    Future<?> two = threads.submit(() -> engine.client.pull(name(":1"), false, "", null, lines));
    await(second);
    engine.client.cancel(id);
    assertThrows(ExecutionException.class, one::get);
    go.countDown();
    two.get();
    threads.shutdown();
    assertEquals(1, registry.fetched(path));
    assertEquals(IMAGE.id(), engine.images.inspect(name(":1")).id());
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

  @Test
  void aMirrorIsAskedFirstAndTheRegistryWhenItHasNothing() throws IOException {
    try (var mirror = new FakeRegistry()) {
      engine.close();
      engine =
          new Engine(
              temp.resolve("mirrored"),
              List.of(URI.create("http://" + mirror.host())),
              Engine.PATIENCE);
      IMAGE.in(mirror, "library/x", "1", TestImage.OCI);
      List<String> told = engine.pull("x:1");
      assertEquals("1: Pulling from library/x", told.get(0));
      assertEquals(List.of("x:1"), engine.images.inspect("x:1").tags());
    }
  }

  @Test
  void aBlobOfAnotherDigestIsNoLayerWhateverItUnpacksTo() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    byte[] wrong = TOP.blob().clone();
    wrong[600] ^= 1; // in the content of a file: still a tar
    registry.answers.put(
        FakeRegistry.blobPath("a/b", TOP.digest()),
        exchange -> FakeRegistry.send(exchange, 200, "", wrong));
    assertEquals(
        "filesystem layer verification failed for digest %s: it has %s"
            .formatted(TOP.digest(), Digest.sha256(wrong)),
        refused(name(":1")).getMessage());
    engine.assertHasNothing();
    assertEquals(2, engine.rests().size(), "the two that are good");
  }

  @Test
  void aBodyWithoutEndIsRefusedAtItsFirstSurplusByte() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    registry.answers.put(
        FakeRegistry.blobPath("a/b", TOP.digest()),
        exchange -> {
          exchange.sendResponseHeaders(200, 0); // chunked
          try (OutputStream out = exchange.getResponseBody()) {
            while (true) {
              out.write(new byte[1 << 16]);
            }
          }
        });
    assertEquals(
        "blob %s is larger than the %d bytes that its manifest says"
            .formatted(TOP.digest(), TOP.blob().length),
        refused(name(":1")).getMessage());
    engine.assertHasNothing();
  }
}
