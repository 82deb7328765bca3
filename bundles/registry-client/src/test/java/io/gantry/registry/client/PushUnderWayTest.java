package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Support;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.RegistryAuthProvider;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pushes that break off, wait for each other, end early; and what they leave. */
class PushUnderWayTest extends RegistryFixture {

  private static final byte[] TAR = TestImage.tar("own", 12 << 20);
  private static final String LAYER = "/v2/a/b/blobs/uploads/1";

  @BeforeEach
  void make() {
    engine.make(name(""), "1", TAR);
  }

  private byte[] pushedLayer() {
    byte[] json = registry.content("/v2/a/b/manifests/1");
    Document manifest = Document.parse(json, "manifest");
    Descriptor layer = Descriptor.of(manifest.list("layers", 1).get(0));
    return registry.content(FakeRegistry.blobPath("a/b", layer.digest()));
  }

  private List<String> ranges() {
    return registry.asked.stream()
        .filter(one -> one.toString().equals("PATCH " + LAYER))
        .map(one -> one.header("Content-range"))
        .toList();
  }

  @Test
  void aLayerThatBreaksOffIsGoneOnWith() {
    AtomicInteger times = new AtomicInteger();
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          if (times.getAndIncrement() == 0) {
            registry.uploads.breakOff(exchange, "1", 3_000_000);
          }
          registry.serve(exchange, LAYER);
        });
    engine.push(name(":1"));
    List<String> ranges = ranges();
    assertEquals("", ranges.get(0), "all in one piece");
    assertEquals("3000000-11388607", ranges.get(1));
    assertTrue(ranges.get(2).startsWith("11388608-"), ranges::toString);
    assertEquals(3, ranges.size());
    assertEquals(1, registry.count("GET", LAYER));
    assertTrue(pushedLayer().length > 12 << 20);
    assertEquals(1, engine.client.registries().get(0).retries());
  }

  @Test
  void aRegistryThatWantsChunksGetsThem() {
    registry.answers.put(
        "POST /v2/a/b/blobs/uploads/",
        exchange -> {
          exchange.getResponseHeaders().set("OCI-Chunk-Min-Length", "1000");
          registry.serve(exchange, "/v2/a/b/blobs/uploads/");
        });
    engine.push(name(":1"));
    assertEquals(2, ranges().size());
    assertEquals("0-8388607", ranges().get(0));
  }

  /** The memory that chunks are in is that of all pushes. */
  @Test
  void aRegistryThatWantsLargeChunksGetsAllInOnePiece() {
    registry.answers.put(
        "POST /v2/a/b/blobs/uploads/",
        exchange -> {
          exchange.getResponseHeaders().set("OCI-Chunk-Min-Length", "33554432");
          registry.serve(exchange, "/v2/a/b/blobs/uploads/");
        });
    engine.push(name(":1"));
    assertEquals(List.of(""), ranges());
  }

  /** {@code 0-0} is one byte, and what registries say that tell nothing. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRegistryThatDoesNotSayWhatItHasIsBelievedToHaveWhatItTook(boolean wantsChunks) {
    registry.answers.put(
        "POST /v2/a/b/blobs/uploads/",
        exchange -> {
          if (wantsChunks) {
            exchange.getResponseHeaders().set("OCI-Chunk-Min-Length", "1000");
          }
          registry.serve(exchange, "/v2/a/b/blobs/uploads/");
        });
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          exchange.getRequestBody().transferTo(registry.uploads.sessions.get("1"));
          exchange.getResponseHeaders().set("Range", "0-0");
          exchange.sendResponseHeaders(202, -1);
        });
    engine.push(name(":1"));
    assertEquals(wantsChunks ? 2 : 1, ranges().size());
    assertEquals(0, registry.count("GET", LAYER));
    assertTrue(pushedLayer().length > 12 << 20);
  }

  @ParameterizedTest
  @ValueSource(ints = {411, 416, 500})
  void whoRefusesAPieceIsAskedWhatItHas(int status) {
    AtomicInteger times = new AtomicInteger();
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          if (times.getAndIncrement() == 0) {
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(status, -1);
          } else {
            registry.serve(exchange, LAYER);
          }
        });
    engine.push(name(":1"));
    // Of no byte the registry can say nothing: that session is given up.
    assertEquals(1, registry.count("DELETE", LAYER));
    assertTrue(pushedLayer().length > 12 << 20);
  }

  @Test
  void aSessionThatIsLostIsBegunAnew() {
    AtomicInteger times = new AtomicInteger();
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          times.incrementAndGet();
          registry.uploads.sessions.remove("1");
          exchange.getRequestBody().readAllBytes();
          registry.serve(exchange, LAYER);
        });
    engine.push(name(":1"));
    assertEquals(1, times.get());
    assertTrue(pushedLayer().length > 12 << 20);
  }

  @Test
  void aRegistryThatLosesAllAgainAndAgainIsGivenUp() {
    registry.answers.put(
        "POST /v2/a/b/blobs/uploads/",
        exchange -> {
          exchange.getResponseHeaders().set("Location", "/v2/a/b/blobs/uploads/99");
          exchange.sendResponseHeaders(202, -1);
        });
    GantryException e = assertThrows(GantryException.class, () -> engine.push(name(":1")));
    assertEquals("blob upload unknown: blob upload unknown", e.getMessage());
    assertEquals(Engine.PATIENCE.attempts(), registry.count("PATCH", ".*"));
  }

  /** Logs in when it is asked to. */
  private static final class Login implements RegistryAuthProvider {
    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public AuthAnswer answer(Challenge challenge, @Nullable AuthResult result) {
      return AuthAnswer.headers(Map.of("Authorization", "Mine"));
    }
  }

  @Test
  void whoIsAskedForALoginAmidALayerSendsItAgain() {
    engine.providers.put("login", new Login());
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          if (exchange.getRequestHeaders().containsKey("Authorization")) {
            registry.serve(exchange, LAYER);
          } else {
            exchange.getResponseHeaders().set("WWW-Authenticate", "Mine");
            FakeRegistry.send(exchange, 401, "text/plain", new byte[0]);
          }
        });
    engine.push(name(":1"));
    assertTrue(pushedLayer().length > 12 << 20);
  }

  @Test
  void pushesOfOneLayerSendItOnce() throws Exception {
    int pushes = 6;
    for (int i = 2; i <= pushes; i++) {
      engine.images.tag(name(":1"), name(""), Integer.toString(i));
    }
    CountDownLatch all = new CountDownLatch(pushes);
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          await(all);
          registry.serve(exchange, LAYER);
        });
    var threads = Executors.newFixedThreadPool(pushes);
    List<Future<List<String>>> results = new ArrayList<>();
    for (int i = 1; i <= pushes; i++) {
      String ref = name(":" + i);
      results.add(
          threads.submit(
              () -> {
                var lines =
                    new Engine.Lines() {
                      @Override
                      public void says(String id, String status) {
                        super.says(id, status);
                        if (status.equals("Preparing")) {
                          all.countDown();
                        }
                      }
                    };
                engine.client.push(ref, false, "", null, lines);
                return lines.told;
              }));
    }
    for (Future<List<String>> result : results) {
      List<String> told = result.get();
      boolean isThere =
          told.stream()
              .anyMatch(
                  line -> line.endsWith(": Pushed") || line.endsWith(": Layer already exists"));
      assertTrue(isThere, told::toString);
    }
    threads.shutdown();
    long large =
        registry.asked.stream()
            .filter(one -> one.method().equals("PATCH"))
            .filter(one -> one.header("Transfer-encoding").equals("chunked"))
            .count();
    assertEquals(1, large);
  }

  @Test
  void aPushThatIsCancelledHasTheRegistryForgetWhatCame() throws Exception {
    CountDownLatch stalled = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          exchange.getRequestBody().readNBytes(1000);
          stalled.countDown();
          await(end);
        });
    var threads = Executors.newSingleThreadExecutor();
    Future<?> push = threads.submit(() -> engine.push(name(":1")));
    await(stalled);
    var transfer = engine.client.list().get(0);
    assertEquals("push " + name(":1"), transfer.kind() + " " + transfer.ref());
    assertEquals(TAR.length, transfer.total());
    engine.client.cancel(transfer.id());
    var e = assertThrows(ExecutionException.class, push::get);
    assertEquals(Kind.CANCELLED, ((GantryException) e.getCause()).kind());
    until(() -> registry.count("DELETE", LAYER) == 1);
    end.countDown();
    threads.shutdown();
    assertEquals(List.of(), engine.client.list());
    assertEquals(List.of(), engine.images.inspect(name(":1")).digests());
    engine.images.remove(name(":1"), false, true, id -> List.of());
    until(() -> engine.layers.chains().isEmpty());
    engine.assertHasNothing();
  }

  @Test
  void aPushThatIsCancelledWhileASessionIsGivenUpBeginsNone() throws Exception {
    CountDownLatch ended = new CountDownLatch(1);
    engine.providers.put("login", new Ending(ended));
    CountDownLatch deleting = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    registry.answers.put(LAYER, exchange -> exchange.sendResponseHeaders(404, -1));
    registry.answers.put(
        "DELETE " + LAYER,
        exchange -> {
          deleting.countDown();
          await(end);
        });
    var threads = Executors.newSingleThreadExecutor();
    Future<?> push = threads.submit(() -> engine.push(name(":1")));
    await(deleting);
    engine.client.cancel(engine.client.list().get(0).id());
    assertThrows(ExecutionException.class, push::get);
    await(ended);
    end.countDown();
    threads.shutdown();
    assertEquals(1, registry.count("POST", ".*"));
  }

  /** Hears when all who work for an operation have let go. */
  private record Ending(CountDownLatch ended) implements RegistryAuthProvider {
    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public void end(String operation) {
      ended.countDown();
    }
  }

  /** Who waits for another's sending does it when that one fails. */
  @Test
  void whoSharesGoesOnWhenTheFirstIsCancelled() throws Exception {
    CountDownLatch first = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          first.countDown();
          await(end);
        });
    var threads = Executors.newFixedThreadPool(2);
    Future<?> one = threads.submit(() -> engine.push(name(":1")));
    await(first);
    String id = engine.client.list().get(0).id();
    CountDownLatch joined = new CountDownLatch(1);
    var lines =
        new Engine.Lines() {
          @Override
          public void says(String layer, String status) {
            super.says(layer, status);
            if (status.equals("Preparing")) {
              joined.countDown();
            }
          }
        };
    Future<?> two = threads.submit(() -> engine.client.push(name(":1"), false, "", null, lines));
    await(joined);
    engine.client.cancel(id);
    assertThrows(ExecutionException.class, one::get);
    two.get();
    end.countDown();
    threads.shutdown();
    assertTrue(lines.told.stream().anyMatch(line -> line.endsWith(": Pushed")));
  }

  @Test
  void aRegistryThatIsOverloadedGetsTheManifestAgain() {
    AtomicInteger times = new AtomicInteger();
    String path = "/v2/a/b/manifests/1";
    registry.answers.put(
        "PUT " + path,
        exchange -> {
          if (times.getAndIncrement() == 0) {
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(503, -1);
          } else {
            registry.serve(exchange, path);
          }
        });
    engine.push(name(":1"));
    assertEquals(2, times.get());
    assertTrue(pushedLayer().length > 12 << 20);
  }

  @Test
  void noMoreLayersAreSentAtATimeThanWanted() throws IOException {
    TestImage image =
        TestImage.of(
            "amd64",
            TestImage.layer("a", 300_000, TestImage.Packing.GZIP),
            TestImage.layer("b", 300_000, TestImage.Packing.GZIP),
            TestImage.layer("c", 300_000, TestImage.Packing.GZIP),
            TestImage.layer("d", 300_000, TestImage.Packing.GZIP));
    image.in(registry, "many", "1", TestImage.OCI);
    engine.close();
    engine = new Engine(temp, List.of(), Engine.PATIENCE, 2);
    engine.pull(registry.host() + "/many:1");
    try (var other = new FakeRegistry()) {
      engine.images.tag(registry.host() + "/many:1", other.host() + "/x", "1");
      List<String> told = engine.push(other.host() + "/x:1");
      assertEquals(2, told.stream().filter(line -> line.endsWith(": Waiting")).count());
      assertTrue(other.uploads.mostReceiving.get() <= 2);
      assertEquals(4, told.stream().filter(line -> line.endsWith(": Pushed")).count());
    }
  }

  /** Of 64 MiB three chunks of 16 MiB, each with what is at its ends, have room. */
  @Test
  void chunksOfAllUploadsHaveRoomTogether() throws Exception {
    int layers = 6;
    TestImage image =
        TestImage.of(
            "amd64",
            IntStream.range(0, layers)
                .mapToObj(i -> TestImage.layer("l" + i, 1000, TestImage.Packing.GZIP))
                .toArray(TestImage.Layer[]::new));
    image.in(registry, "many", "1", TestImage.OCI);
    engine.close();
    engine = new Engine(temp, List.of(), Engine.PATIENCE, layers);
    engine.pull(registry.host() + "/many:1");
    AtomicInteger receiving = new AtomicInteger();
    CountDownLatch end = new CountDownLatch(1);
    var threads = Executors.newSingleThreadExecutor();
    try (var other = new FakeRegistry()) {
      other.answers.put(
          "POST /v2/x/blobs/uploads/",
          exchange -> {
            exchange.getResponseHeaders().set("OCI-Chunk-Min-Length", "16777216");
            other.serve(exchange, "/v2/x/blobs/uploads/");
          });
      for (int i = 1; i <= layers; i++) {
        String place = "/v2/x/blobs/uploads/" + i;
        other.answers.put(
            "PATCH " + place,
            exchange -> {
              receiving.incrementAndGet();
              await(end);
              other.serve(exchange, place);
            });
      }
      engine.images.tag(registry.host() + "/many:1", other.host() + "/x", "1");
      Future<?> push = threads.submit(() -> engine.push(other.host() + "/x:1"));
      until(() -> receiving.get() > 3 || receiving.get() + waitingForRoom() == layers);
      assertEquals(3, receiving.get());
      end.countDown();
      push.get();
      assertEquals(layers, receiving.get());
    } finally {
      end.countDown();
      threads.shutdown();
    }
  }

  private static long waitingForRoom() {
    return Thread.getAllStackTraces().values().stream()
        .map(List::of)
        .filter(stack -> stack.stream().anyMatch(at -> at.getMethodName().equals("inChunks")))
        .filter(stack -> stack.stream().anyMatch(at -> at.getClassName().endsWith(".Semaphore")))
        .count();
  }

  @Test
  void whatIsSentTwiceIsTheSame() {
    engine.push(name(":1"));
    byte[] once = pushedLayer();
    registry.forget("a/b");
    engine.push(name(":1"));
    assertArrayEquals(once, pushedLayer());
  }
}
