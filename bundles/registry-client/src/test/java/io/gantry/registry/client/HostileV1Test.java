package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.auth.v1.V1Auth;
import io.gantry.itests.harness.v1.V1Call;
import io.gantry.itests.harness.v1.V1Server;
import io.gantry.registry.client.TestImage.Packing;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Registries of version 1 that lie: refused, and nothing stays. */
@Timeout(60)
class HostileV1Test {

  private static final V1Image IMAGE =
      V1Image.of(
          TestImage.layer("base", 2000, Packing.GZIP), TestImage.layer("top", 1000, Packing.GZIP));

  @TempDir Path temp;
  private Engine engine;
  private V1Server registry;

  @BeforeEach
  void start() throws IOException {
    engine = new Engine(temp);
    engine.providers.put("v1", new V1Auth());
    registry = V1Server.standalone();
    IMAGE.in(registry, "x", "1").listed(registry, "x");
  }

  @AfterEach
  void stop() {
    engine.close();
    registry.close();
  }

  private GantryException refused(Kind kind, String part) {
    GantryException e =
        assertThrows(GantryException.class, () -> engine.pull(registry.host() + "/x:1"));
    assertEquals(kind, e.kind(), e::getMessage);
    assertTrue(e.getMessage().contains(part), e::getMessage);
    engine.assertHasNothing();
    return e;
  }

  private static V1Server.Answer json(String body) {
    return call -> reply(call, body);
  }

  private static void reply(V1Call call, String body) throws IOException {
    byte[] bytes = body.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    call.exchange().sendResponseHeaders(200, bytes.length);
    call.exchange().getResponseBody().write(bytes);
  }

  /** CVE-2014-9358, CVE-2014-5282. */
  @ParameterizedTest
  @ValueSource(strings = {"../../../../etc/passwd", "", "abc", "ABCDEF", "\\n"})
  void anIdIs64Digits(String id) {
    registry.answers.put("/v1/repositories/library/x/tags", json("{\"1\":\"" + id + "\"}"));
    refused(Kind.INVALID, "is invalid");
  }

  @Test
  void anIdInAnAncestryIs64Digits() {
    registry.answers.put(
        IMAGE.top().path("ancestry"),
        json("[\"" + IMAGE.top().id() + "\",\"../../" + IMAGE.top().id().substring(6) + "\"]"));
    refused(Kind.INVALID, "is invalid");
  }

  /** CVE-2014-8178, CVE-2014-8179. */
  @Test
  void anImageIsTheOneThatWasAskedFor() {
    registry.answers.put(IMAGE.top().path("json"), json(IMAGE.steps().get(0).json()));
    refused(Kind.INVALID, "it has the ID");
  }

  @Test
  void aParentIsTheOneOfTheAncestry() {
    registry.answers.put(
        IMAGE.top().path("json"),
        json(IMAGE.top().json().replaceFirst("\"parent\":\"....", "\"parent\":\"0000")));
    refused(Kind.INVALID, "its parent is not the one");
  }

  @Test
  void anAncestryHasAnEnd() {
    String many =
        IntStream.range(0, 600)
            .mapToObj(i -> "\"%064x\"".formatted(i))
            .collect(Collectors.joining(","));
    registry.answers.put(
        IMAGE.top().path("ancestry"), json("[\"" + IMAGE.top().id() + "\"," + many + "]"));
    refused(Kind.INVALID, "no list of at most 500 images");
  }

  /** To one it says that the first is below the second, to another the contrary. */
  @Test
  void ancestriesThatAreContraryKeepNobodyWaiting() throws Exception {
    V1Image.Step a = IMAGE.steps().get(0);
    V1Image.Step b = IMAGE.steps().get(1);
    registry.registry().tags("y").put("1", a.id());
    for (String repository : List.of("x", "y")) {
      registry.index().images(repository).put(a.id(), "");
      registry.index().images(repository).put(b.id(), "");
    }
    var isFirstAsked = new CountDownLatch(1);
    var isSecondAsked = new CountDownLatch(1);
    registry.answers.put(a.path("ancestry"), json("[\"%s\",\"%s\"]".formatted(a.id(), b.id())));
    registry.answers.put(b.path("ancestry"), json("[\"%s\",\"%s\"]".formatted(b.id(), a.id())));
    registry.answers.put(
        a.path("json"),
        inTurn(
            call -> {
              awaitOrFail(isSecondAsked); // the other has the layer for itself by then
              reply(call, document(a, ""));
            },
            json(document(a, b.id()))));
    registry.answers.put(b.path("json"), inTurn(json(document(b, a.id())), json(document(b, ""))));
    registry.answers.put(a.path("layer"), countingDown(isSecondAsked));
    registry.answers.put(b.path("layer"), countingDown(isFirstAsked));
    var threads = Executors.newFixedThreadPool(2);
    try {
      var first = threads.submit(() -> engine.pull(registry.host() + "/x:1"));
      awaitOrFail(isFirstAsked);
      var second = threads.submit(() -> engine.pull(registry.host() + "/y:1"));
      first.get(20, TimeUnit.SECONDS);
      second.get(20, TimeUnit.SECONDS);
    } finally {
      threads.shutdownNow();
    }
    assertEquals(2, engine.images.list().size());
    assertEquals(List.of(), engine.rests());
  }

  private static V1Server.Answer inTurn(V1Server.Answer first, V1Server.Answer others) {
    var times = new AtomicInteger();
    return call -> (times.getAndIncrement() == 0 ? first : others).to(call);
  }

  private V1Server.Answer countingDown(CountDownLatch asked) {
    return call -> {
      asked.countDown();
      registry.serve(call);
    };
  }

  private static String document(V1Image.Step step, String parent) {
    String own = "{\"id\":\"%s\",\"architecture\":\"amd64\",\"os\":\"linux\"".formatted(step.id());
    return own + (parent.isEmpty() ? "}" : ",\"parent\":\"" + parent + "\"}");
  }

  private static void awaitOrFail(CountDownLatch latch) throws IOException {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Test
  void nobodyIsItsOwnParent() {
    String own = "\"" + IMAGE.top().id() + "\"";
    registry.answers.put(IMAGE.top().path("ancestry"), json("[" + own + "," + own + "]"));
    refused(Kind.INVALID, "its own parent");
  }

  @Test
  void aLayerHasTheChecksumOfTheIndex() {
    registry
        .registry()
        .put(
            IMAGE.top().id(),
            IMAGE.top().json(),
            TestImage.layer("evil", 1000, Packing.GZIP).blob());
    refused(Kind.INVALID, "does not have checksum " + IMAGE.top().checksum());
    assertEquals(List.of(), engine.rests());
  }

  @Test
  void aLayerHasTheChecksumThatItsRegistryGivesWhenTheIndexHasNone() {
    registry.index().images("x").replaceAll((id, checksum) -> "");
    registry.answers.put(
        IMAGE.top().path("layer"), call -> call.exchange().sendResponseHeaders(200, -1));
    refused(Kind.INVALID, "does not have checksum " + IMAGE.top().checksum());
  }

  @Test
  void aDocumentHasAnEnd() {
    registry.answers.put(
        IMAGE.top().path("json"),
        call -> {
          call.exchange().sendResponseHeaders(200, 0);
          byte[] much = " ".repeat(1 << 16).getBytes(java.nio.charset.StandardCharsets.UTF_8);
          for (int i = 0; i < 1000; i++) {
            call.exchange().getResponseBody().write(much);
          }
        });
    refused(Kind.INVALID, "larger than");
  }

  /** Without checksums there is only a registry's word, and it counts for its own images. */
  @Test
  void whatOneRegistryCallsByAnIdAnotherDoesNot() throws IOException {
    registry.index().images("x").replaceAll((id, checksum) -> "");
    try (V1Server evil = V1Server.standalone()) {
      var layer = TestImage.layer("evil", 1000, Packing.GZIP);
      var top = new V1Image.Step(IMAGE.top().id(), IMAGE.top().json(), layer);
      new V1Image(List.of(IMAGE.steps().get(0), top)).in(evil, "x", "1").listed(evil, "x");
      engine.pull(evil.host() + "/x:1");
      engine.pull(registry.host() + "/x:1");
      assertEquals(
          layer.diff(), engine.images.inspect(evil.host() + "/x:1").config().diffs().get(1));
      assertEquals(
          IMAGE.top().layer().diff(),
          engine.images.inspect(registry.host() + "/x:1").config().diffs().get(1));
    }
  }

  /** What a tag names is what its checksum says now, whatever was here under the same id. */
  @Test
  void anIdWithAnotherChecksumIsFetchedAgain() {
    engine.pull(registry.host() + "/x:1");
    var changed = TestImage.layer("changed", 1000, Packing.GZIP);
    registry.registry().put(IMAGE.top().id(), IMAGE.top().json(), changed.blob());
    registry
        .index()
        .images("x")
        .put(
            IMAGE.top().id(),
            io.gantry.itests.harness.v1.V1Registry.checksum(IMAGE.top().json(), changed.blob()));
    engine.pull(registry.host() + "/x:1");
    assertEquals(
        changed.diff(), engine.images.inspect(registry.host() + "/x:1").config().diffs().get(1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a b", "user@127.0.0.1:1", "127.0.0.1:1/path", "127.0.0.1:1?x", "http://x"})
  void anEndpointIsAHost(String endpoint) {
    registry.answers.put(
        "/v1/repositories/x/images",
        call -> {
          call.with("X-Docker-Endpoints", endpoint);
          reply(call, "[]");
        });
    GantryException e =
        assertThrows(GantryException.class, () -> engine.pull(registry.host() + "/x:1"));
    assertTrue(e.kind() == Kind.INVALID || e.kind() == Kind.FORBIDDEN, e::getMessage);
    engine.assertHasNothing();
  }

  @Test
  void tokensAndCookiesGoToNobodyThatAnEndpointLeadsTo() throws IOException {
    try (V1Server other = V1Server.standalone()) {
      IMAGE.in(other, "x", "1");
      String layer = IMAGE.top().path("layer");
      registry.answers.put(
          layer,
          call -> {
            call.with("Location", "http://" + other.host() + layer);
            call.exchange().sendResponseHeaders(302, -1);
          });
      engine.pull(registry.host() + "/x:1");
      List<V1Server.Asked> there = new ArrayList<>(other.asked);
      assertEquals(1, there.size());
      assertEquals("", there.get(0).header("Authorization"));
      assertEquals("", there.get(0).header("Cookie"));
      assertTrue(
          registry.asked.stream().anyMatch(one -> one.header("Authorization").startsWith("Token")));
    }
  }

  @Test
  void aListOfEndpointsHasAnEnd() {
    registry.answers.put(
        "/v1/repositories/x/images",
        call -> {
          call.with(
              "X-Docker-Endpoints",
              String.join(",", Collections.nCopies(1, "a"))
                  + IntStream.range(0, 50)
                      .mapToObj(i -> ",127.0.0.1:" + (i + 1))
                      .collect(Collectors.joining()));
          reply(call, "[]");
        });
    refused(Kind.INVALID, "too many endpoints");
  }
}
