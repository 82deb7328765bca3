package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Transfers.Login;
import io.gantry.registry.client.TestImage.Layer;
import io.gantry.registry.client.TestImage.Packing;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Support;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pulls that want the same blobs at once. */
class SharedPullTest extends RegistryFixture {

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch asked = new CountDownLatch(1);

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  /** Counts down when a pull takes part in the fetch of a layer that another one has begun. */
  private static final class Joining extends Engine.Lines {
    private final Layer layer;
    private final CountDownLatch joined;
    private boolean isTold;

    Joining(Layer layer, CountDownLatch joined) {
      this.layer = layer;
      this.joined = joined;
    }

    @Override
    public void at(String id, String status, long current, long total) {
      super.at(id, status, current, total);
      if (!isTold && id.equals(layer.id()) && status.equals("Downloading")) {
        isTold = true;
        joined.countDown();
      }
    }
  }

  /** Has a layer of a repository answered when so many others wait for it as well. */
  private void hold(String repository, Layer layer, CountDownLatch joined, FakeRegistry.Answer to) {
    registry.answers.put(
        FakeRegistry.blobPath(repository, layer.digest()),
        exchange -> {
          asked.countDown();
          await(joined);
          to.to(exchange);
        });
  }

  private FakeRegistry.Answer served(String repository, Layer layer) {
    return exchange -> registry.serve(exchange, FakeRegistry.blobPath(repository, layer.digest()));
  }

  private Future<List<String>> pull(String ref, Engine.Lines lines) {
    return threads.submit(
        () -> {
          engine.client.pull(ref, false, "", null, lines);
          return lines.told;
        });
  }

  private static Kind kind(Future<?> failed) {
    var e = assertThrows(ExecutionException.class, failed::get);
    return ((GantryException) e.getCause()).kind();
  }

  /** With other layers above, and other tags. */
  @Test
  void imagesThatShareLayersFetchEachOnce() throws Exception {
    int pulls = 16;
    var joined = new CountDownLatch(pulls - 1);
    List<Layer> all = new ArrayList<>(List.of(BASE, MIDDLE));
    List<Future<List<String>>> results = new ArrayList<>();
    for (int i = 0; i < pulls; i++) {
      Layer own = TestImage.layer("own" + i, 1000, Packing.GZIP);
      all.add(own);
      String repository = "r" + i % 4;
      TestImage.of("amd64", BASE, MIDDLE, own).in(registry, repository, "t" + i, TestImage.OCI);
      hold(repository, MIDDLE, joined, served(repository, MIDDLE));
    }
    for (int i = 0; i < pulls; i++) {
      String ref = "%s/r%d:t%d".formatted(registry.host(), i % 4, i);
      results.add(pull(ref, new Joining(MIDDLE, joined)));
    }
    for (Future<List<String>> result : results) {
      List<String> told = result.get();
      assertTrue(told.contains(MIDDLE.id() + ": Pull complete"), told::toString);
    }
    for (Layer layer : all) {
      assertEquals(1, registry.count("GET", ".*/blobs/" + layer.digest()), layer::id);
    }
    assertEquals(pulls, engine.images.list().size());
    assertEquals(2 + pulls, engine.trees().size());
    assertEquals(List.of(), engine.rests());
  }

  /** The fetch belongs to both; the one that began it is cancelled. */
  @Test
  void whoSharesGoesOnWhenTheFirstIsCancelled() throws Exception {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    var joined = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    hold("a/b", MIDDLE, go, served("a/b", MIDDLE));
    Future<?> one = pull(name(":1"), new Engine.Lines());
    await(asked);
    String id = engine.client.list().get(0).id();
    Future<?> two = pull(name(":1"), new Joining(MIDDLE, joined));
    await(joined);
    engine.client.cancel(id);
    assertEquals(Kind.CANCELLED, kind(one));
    go.countDown();
    two.get();
    assertEquals(1, registry.fetched(FakeRegistry.blobPath("a/b", MIDDLE.digest())));
    assertEquals(IMAGE.id(), engine.images.inspect(name(":1")).id());
  }

  @ParameterizedTest
  @CsvSource({"401, UNAUTHORIZED", "403, FORBIDDEN", "404, NOT_FOUND"})
  void whoIsRefusedFailsAloneWhereAnotherRepositoryHasTheBlob(int status, Kind kind)
      throws Exception {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    IMAGE.in(registry, "c", "1", TestImage.OCI);
    var joined = new CountDownLatch(1);
    hold("a/b", MIDDLE, joined, exchange -> FakeRegistry.error(exchange, status, "X", "no"));
    Future<?> refused = pull(name(":1"), new Engine.Lines());
    await(asked);
    Future<?> other = pull(registry.host() + "/c:1", new Joining(MIDDLE, joined));
    assertEquals(kind, kind(refused));
    other.get();
    assertEquals(IMAGE.id(), engine.images.inspect(registry.host() + "/c:1").id());
  }

  /** Shows who asks. */
  private static final class Named implements RegistryAuthProvider {
    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public Map<String, String> prepare(RegistryRequest request) {
      var user = request.credentials();
      return user == null ? Map.of() : Map.of("Authorization", user.username());
    }
  }

  @Test
  void whoIsRefusedFailsAloneWhereAnotherUserMayHaveTheBlob() throws Exception {
    engine.providers.put("named", new Named());
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    var joined = new CountDownLatch(1);
    FakeRegistry.Answer served = served("a/b", MIDDLE);
    hold(
        "a/b",
        MIDDLE,
        joined,
        exchange -> {
          if (exchange.getRequestHeaders().containsKey("Authorization")) {
            served.to(exchange);
          } else {
            FakeRegistry.error(exchange, 403, "X", "no");
          }
        });
    Future<?> nobody = pull(name(":1"), new Engine.Lines());
    await(asked);
    var login = new Login("", "alice", "", "", "");
    engine.client.pull(name(":1"), false, "", login, new Joining(MIDDLE, joined));
    assertEquals(Kind.FORBIDDEN, kind(nobody));
    assertEquals(IMAGE.id(), engine.images.inspect(name(":1")).id());
  }

  @Test
  void aRefusalIsForAllWhoAskAlike() throws Exception {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    var joined = new CountDownLatch(1);
    hold("a/b", MIDDLE, joined, exchange -> FakeRegistry.error(exchange, 403, "X", "no"));
    Future<?> one = pull(name(":1"), new Engine.Lines());
    await(asked);
    Future<?> two = pull(name(":1"), new Joining(MIDDLE, joined));
    assertEquals(Kind.FORBIDDEN, kind(one));
    assertEquals(Kind.FORBIDDEN, kind(two));
    assertEquals(1, registry.fetched(FakeRegistry.blobPath("a/b", MIDDLE.digest())));
    engine.assertHasNothing();
  }
}
