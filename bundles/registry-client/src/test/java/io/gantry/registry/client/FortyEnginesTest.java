package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.gantry.itests.harness.Behind;
import io.gantry.itests.harness.PlainFront;
import io.gantry.itests.harness.Registry;
import io.gantry.registry.client.wire.Patience;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many engines that pull one image from Debian's registry at once, as a cluster does. */
@Tag("root")
@Timeout(300)
class FortyEnginesTest {

  private static final int ENGINES = 40;
  private static final int LAYERS = 10;

  @TempDir Path temp;
  private final Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();

  private void count(HttpExchange exchange) {
    String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
    asked.computeIfAbsent(request, key -> new AtomicInteger()).incrementAndGet();
  }

  /** Puts an image there by way of an engine of its own. */
  private TestImage put(Registry registry) throws IOException {
    TestImage image =
        TestImage.of(
            "amd64",
            IntStream.range(0, LAYERS)
                .mapToObj(i -> TestImage.layer("l" + i, 100_000, TestImage.Packing.GZIP))
                .toArray(TestImage.Layer[]::new));
    try (var source = new FakeRegistry();
        var engine = new Engine(temp.resolve("source"))) {
      engine.keeps = true;
      image.in(source, "x", "1", TestImage.OCI);
      engine.pull(source.host() + "/x:1");
      engine.images.tag(source.host() + "/x:1", registry.host() + "/x", "1");
      engine.push(registry.host() + "/x:1");
    }
    return image;
  }

  @Test
  void eachBlobGoesToEachEngineOnceAndNothingIsAskedTwice() throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    List<Engine> engines = new ArrayList<>();
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    server.setExecutor(threads);
    try (Registry registry = Registry.start(temp.resolve("registry"));
        var front = new PlainFront(server.getAddress())) {
      TestImage image = put(registry);
      var behind = new Behind(registry.host());
      server.createContext(
          "/",
          exchange -> {
            try (exchange) {
              count(exchange);
              behind.answer(exchange);
            }
          });
      server.start();
      List<Future<List<String>>> pulls = new ArrayList<>();
      for (int i = 0; i < ENGINES; i++) {
        engines.add(new Engine(temp.resolve("engine-" + i), List.of(), Patience.USUAL));
      }
      for (Engine engine : engines) {
        pulls.add(threads.submit(() -> engine.pull(front.host() + "/x:1")));
      }
      for (Future<List<String>> pull : pulls) {
        pull.get();
      }
      for (Engine engine : engines) {
        assertEquals(image.id(), engine.images.inspect(front.host() + "/x:1").id());
        assertEquals(List.of(), engine.rests());
        assertEquals(0, engine.client.registries().get(0).retries());
      }
      Map<String, Integer> counts = new TreeMap<>();
      asked.forEach((request, count) -> counts.put(request, count.get()));
      for (TestImage.Layer layer : image.blobs()) {
        assertEquals(ENGINES, counts.remove("GET " + FakeRegistry.blobPath("x", layer.digest())));
      }
      assertEquals(ENGINES, counts.remove("GET " + FakeRegistry.blobPath("x", image.id())));
      counts.forEach((request, count) -> assertEquals(ENGINES, count, request));
      assertEquals(3, counts.size(), "ping, tag and manifest: " + counts.keySet());
    } finally {
      engines.forEach(Engine::close);
      server.stop(0);
      threads.shutdownNow();
    }
  }
}
