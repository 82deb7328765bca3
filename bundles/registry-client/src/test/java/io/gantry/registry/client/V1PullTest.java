package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Transfers.Login;
import io.gantry.auth.v1.V1Auth;
import io.gantry.itests.harness.v1.V1Server;
import io.gantry.registry.client.TestImage.Packing;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a pull from a registry of version 1 asks for, makes and tells. */
@Timeout(60)
class V1PullTest {

  private static final TestImage.Layer BASE = TestImage.layer("base", 200_000, Packing.GZIP);
  private static final TestImage.Layer TOP = TestImage.layer("top", 1000, Packing.GZIP);
  private static final V1Image IMAGE = V1Image.of(BASE, V1Image.empty(), TOP);

  @TempDir Path temp;
  private final List<V1Server> servers = new ArrayList<>();
  private Engine engine;
  private V1Server registry;

  @BeforeEach
  void start() throws IOException {
    engine = new Engine(temp);
    engine.providers.put("v1", new V1Auth());
    registry = serving(V1Server.standalone());
  }

  private V1Server serving(V1Server server) {
    servers.add(server);
    return server;
  }

  @AfterEach
  void stop() {
    engine.close();
    servers.forEach(V1Server::close);
  }

  private static List<String> asked(V1Server server) {
    return server.asked.stream().map(Object::toString).toList();
  }

  private GantryException refused(String ref) {
    return assertThrows(GantryException.class, () -> engine.pull(ref));
  }

  @Test
  void aStandaloneRegistryIsAskedInTheOrderOfOldClients() {
    IMAGE.in(registry, "x", "1").listed(registry, "x");
    engine.pull(registry.host() + "/x:1");
    List<String> expected = new ArrayList<>();
    expected.addAll(List.of("GET /v2/", "GET /v1/_ping", "GET /v1/repositories/x/images"));
    expected.add("GET /v1/repositories/library/x/tags");
    expected.add("GET " + IMAGE.top().path("ancestry"));
    List<String> asked = asked(registry);
    assertEquals(expected, asked.subList(0, 5));
    List<String> rest = asked.subList(5, asked.size());
    assertEquals(6, rest.size(), rest::toString);
    for (V1Image.Step step : IMAGE.steps()) {
      int json = rest.indexOf("GET " + step.path("json"));
      assertTrue(json >= 0 && json < rest.indexOf("GET " + step.path("layer")), rest::toString);
    }
  }

  @Test
  void anImageHasTheIdOfItsContentAndNeverTheRegistrys() {
    IMAGE.in(registry, "a/b", "1").listed(registry, "a/b");
    String name = registry.host() + "/a/b:1";
    List<String> told = engine.pull(name);
    var image = engine.images.inspect(name);
    assertEquals(3, image.layers().size());
    assertEquals(List.of(BASE.diff(), V1Image.empty().diff(), TOP.diff()), image.config().diffs());
    assertEquals("/bin/sh -c step 2", image.config().history().get(2).createdBy());
    assertEquals(java.util.Map.of("a", "b"), image.config().run().labels());
    assertThrows(GantryException.class, () -> engine.images.inspect(IMAGE.top().id()));
    assertTrue(told.contains("Pulling repository " + registry.host() + "/a/b"), told::toString);
    assertTrue(told.contains(IMAGE.top().shown() + ": Download complete"), told::toString);
    assertTrue(told.contains(IMAGE.top().shown() + ": Verifying Checksum"), told::toString);
    assertEquals("Status: Downloaded newer image for " + name, told.get(told.size() - 1));
    assertEquals(List.of(), engine.rests());
  }

  @Test
  void whatIsHereIsNotFetchedAgainAlsoByAnotherEngine() {
    IMAGE.in(registry, "x", "1").in(registry, "x", "2").listed(registry, "x");
    engine.pull(registry.host() + "/x:1");
    List<String> told = engine.pull(registry.host() + "/x:2");
    assertTrue(told.contains(IMAGE.top().shown() + ": Already exists"), told::toString);
    engine.client.close();
    try (Engine next = new Engine(temp)) {
      next.pull(registry.host() + "/x:1");
      assertEquals(
          engine.images.inspect(registry.host() + "/x:1").id(),
          next.images.inspect(registry.host() + "/x:1").id());
    }
    assertEquals(1, registry.count("GET " + IMAGE.top().path("layer")));
  }

  @Test
  void allTagsComeAndEachLayerOnce() {
    IMAGE.in(registry, "x", "1").in(registry, "x", "2").listed(registry, "x");
    V1Image.of(BASE).in(registry, "x", "base");
    engine.pull(registry.host() + "/x", true, "");
    assertEquals(
        List.of("1", "2", "base"),
        engine.images.list().stream()
            .flatMap(image -> image.tags().stream())
            .map(tag -> tag.substring(tag.lastIndexOf(':') + 1))
            .sorted()
            .toList());
    for (V1Image.Step step : IMAGE.steps()) {
      assertEquals(1, registry.count("GET " + step.path("layer")));
    }
  }

  @Test
  void whatIsNotThereIsSaid() {
    IMAGE.in(registry, "x", "1").listed(registry, "x");
    assertEquals(
        "Tag 2 not found in repository " + registry.host() + "/x",
        refused(registry.host() + "/x:2").getMessage());
    GantryException absent = refused(registry.host() + "/y:2");
    assertEquals(Kind.NOT_FOUND, absent.kind());
    assertEquals("Repository not found: y", absent.getMessage());
  }

  @Test
  void aRegistryWithVersion2IsNotAskedByVersion1() throws IOException {
    registry.answers.put("GET /v2/", call -> call.exchange().sendResponseHeaders(200, -1));
    IMAGE.in(registry, "x", "1").listed(registry, "x");
    refused(registry.host() + "/x:1");
    assertFalse(asked(registry).stream().anyMatch(one -> one.contains("/v1/")));
  }

  @ParameterizedTest
  @CsvSource({
    "true, true",
    "'', true",
    "pong, true",
    "'{\"version\":\"0.9\",\"standalone\":true}', true",
    "'\n<!doctype html>', false",
    "'<html>', false",
  })
  void aPingMaySayWhatItLikesButForAPage(String body, boolean isV1) {
    IMAGE.in(registry, "x", "1").listed(registry, "x");
    registry.answers.put(
        "/v1/_ping",
        call -> {
          byte[] bytes = body.getBytes(UTF_8);
          call.exchange().sendResponseHeaders(200, bytes.length == 0 ? -1 : bytes.length);
          call.exchange().getResponseBody().write(bytes);
        });
    if (isV1) {
      engine.pull(registry.host() + "/x:1");
    } else {
      refused(registry.host() + "/x:1");
    }
    assertEquals(isV1, asked(registry).contains("GET /v1/repositories/x/images"));
  }

  @Test
  void tokensOfAnIndexGoToItsEndpointsAndTheUserToTheIndexAlone() throws IOException {
    List<String> endpoints = new ArrayList<>();
    V1Server index = serving(V1Server.index(endpoints));
    V1Server owned = serving(V1Server.registryOf(index.index()));
    V1Server away = serving(V1Server.registryOf(index.index()));
    away.close();
    endpoints.addAll(List.of(away.host(), owned.host()));
    index.index().users.put("alice", "secret");
    index.index().isPrivate = true;
    IMAGE.in(owned, "a/b", "1").listed(index, "a/b");
    engine.pull(index.host() + "/a/b:1", false, "", login(index, "alice", "secret"));
    for (V1Server.Asked one : index.asked.subList(2, index.asked.size())) {
      assertTrue(one.header("Authorization").startsWith("Basic "), one::toString);
      assertEquals("true", one.header("X-docker-token"));
    }
    String first = owned.asked.get(0).header("Authorization");
    assertTrue(first.startsWith("Token signature="), first);
    for (V1Server.Asked one : owned.asked) {
      assertEquals(first, one.header("Authorization"));
    }
    assertEquals("session=\"s1\"", owned.asked.get(1).header("Cookie"));
    GantryException anonymous = refused(index.host() + "/a/b:1");
    assertEquals(Kind.UNAUTHORIZED, anonymous.kind());
    assertTrue(anonymous.getMessage().contains("please login"), anonymous::getMessage);
  }

  @Test
  void anIndexKnowsItsUsersAndNobodyIsRegistered() throws IOException {
    V1Server index = serving(V1Server.index(List.of()));
    index.index().users.put("alice", "secret");
    assertEquals("", engine.client.login(login(index, "alice", "secret")));
    V1Server.Asked last = index.asked.get(index.asked.size() - 1);
    assertEquals("GET /v1/users/", last.toString());
    for (String user : List.of("alice", "bob")) {
      GantryException wrong =
          assertThrows(
              GantryException.class, () -> engine.client.login(login(index, user, "wrong")));
      assertEquals(Kind.UNAUTHORIZED, wrong.kind());
      assertEquals("Wrong login/password, please try again", wrong.getMessage());
    }
    index.answers.put("/v1/users/", call -> call.exchange().sendResponseHeaders(403, -1));
    GantryException e =
        assertThrows(
            GantryException.class, () -> engine.client.login(login(index, "alice", "secret")));
    assertEquals(Kind.FORBIDDEN, e.kind());
    assertTrue(e.getMessage().startsWith("Login: Account is not active."), e::getMessage);
    assertEquals(java.util.Set.of("alice"), index.index().users.keySet());
  }

  private static Login login(V1Server server, String user, String password) {
    return new Login(server.host(), user, password, "", "");
  }

  @Test
  void tokensThatDoNotLastAreReplacedOnce() throws IOException {
    List<String> endpoints = new ArrayList<>();
    V1Server index = serving(V1Server.index(endpoints));
    V1Server owned = serving(V1Server.registryOf(index.index()));
    endpoints.add(owned.host());
    IMAGE.in(owned, "a/b", "1").listed(index, "a/b");
    String path = IMAGE.top().path("layer");
    V1Server.Answer refusal =
        call -> {
          call.with("WWW-Authenticate", "Token");
          call.exchange().sendResponseHeaders(401, -1);
        };
    owned.answers.put(
        path,
        call -> {
          owned.answers.remove(path);
          refusal.to(call);
        });
    engine.pull(index.host() + "/a/b:1");
    assertEquals(2, index.count("GET /v1/repositories/a/b/images"));
    engine.images.remove(index.host() + "/a/b:1", true, true, id -> List.of());
    owned.answers.put(path, refusal);
    GantryException e = refused(index.host() + "/a/b:1");
    assertEquals(Kind.UNAUTHORIZED, e.kind());
    assertEquals(4, index.count("GET /v1/repositories/a/b/images"));
  }

  @Test
  void aConnectionThatBreaksIsGoneOnWith() {
    IMAGE.in(registry, "x", "1").listed(registry, "x");
    byte[] layer = BASE.blob();
    String path = IMAGE.steps().get(0).path("layer");
    registry.answers.put(
        path,
        call -> {
          registry.answers.remove(path);
          call.exchange().sendResponseHeaders(200, layer.length);
          call.exchange().getResponseBody().write(layer, 0, 150_000);
          call.exchange().getResponseBody().flush();
          throw new IOException("hangs up");
        });
    engine.pull(registry.host() + "/x:1");
    List<String> ranges =
        registry.asked.stream()
            .filter(one -> one.path().equals(path))
            .map(one -> one.header("Range"))
            .toList();
    assertEquals(2, ranges.size());
    assertEquals("", ranges.get(0));
    assertTrue(ranges.get(1).matches("bytes=[1-9]\\d*-"), ranges::toString);
  }

  @Test
  void theNextEndpointIsAskedWhenOneHasNotAllOfIt() throws IOException {
    List<String> endpoints = new ArrayList<>();
    V1Server index = serving(V1Server.index(endpoints));
    V1Server half = serving(V1Server.standalone());
    endpoints.addAll(List.of(half.host(), registry.host()));
    IMAGE.in(registry, "x", "1").listed(index, "x");
    IMAGE.in(half, "x", "1");
    half.registry().images.remove(IMAGE.steps().get(0).id());
    List<String> told = engine.pull(index.host() + "/x:1");
    assertTrue(
        told.stream().anyMatch(line -> line.contains("Error pulling image (1) from")),
        told::toString);
    assertEquals(3, engine.images.inspect(index.host() + "/x:1").layers().size());
  }

  /** Who is asked next need not be one whom the index trusts. */
  @Test
  void anyAnswerMayLeadToOthersWhoGetNoSecrets() throws IOException {
    List<String> endpoints = new ArrayList<>();
    V1Server index = serving(V1Server.index(endpoints));
    V1Server owned = serving(V1Server.registryOf(index.index()));
    V1Server away = serving(V1Server.standalone());
    away.close();
    endpoints.add(owned.host());
    index.index().users.put("alice", "secret");
    IMAGE.in(owned, "a/b", "1").listed(index, "a/b");
    IMAGE.in(registry, "a/b", "1");
    String ancestry = IMAGE.top().path("ancestry");
    owned.answers.put(
        ancestry,
        call -> {
          call.with("X-Docker-Endpoints", away.host() + "," + registry.host());
          owned.serve(call);
        });
    engine.pull(index.host() + "/a/b:1", false, "", login(index, "alice", "secret"));
    List<String> first = asked(owned);
    assertEquals("GET " + ancestry, first.get(first.size() - 1));
    assertEquals(IMAGE.steps().size() * 2, registry.asked.size(), () -> "" + asked(registry));
    for (V1Server.Asked one : registry.asked) {
      assertEquals("", one.header("Authorization"));
      assertEquals("", one.header("Cookie"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "registry.example, it is another host and has no TLS",
    "x@127.0.0.1, it names a user",
  })
  void noAnswerMayLeadWhereARealmMayNotBe(String host, String reason) {
    IMAGE.in(registry, "x", "1").listed(registry, "x");
    String ancestry = IMAGE.top().path("ancestry");
    registry.answers.put(
        ancestry,
        call -> {
          call.with("X-Docker-Endpoints", host);
          registry.serve(call);
        });
    GantryException e = refused(registry.host() + "/x:1");
    assertEquals(Kind.FORBIDDEN, e.kind());
    assertTrue(e.getMessage().endsWith("since " + reason), e::getMessage);
  }

  @Test
  void endpointsMayComeInSeveralHeadersAndLists() throws IOException {
    V1Server index = serving(V1Server.index(List.of()));
    V1Server last = serving(V1Server.standalone());
    IMAGE.in(last, "x", "1").listed(index, "x");
    IMAGE.in(registry, "x", "1");
    String layer = IMAGE.top().path("layer");
    registry.answers.put(layer, call -> call.exchange().sendResponseHeaders(404, -1));
    index.answers.put(
        "/v1/repositories/x/images",
        call -> {
          call.with("X-Docker-Endpoints", registry.host() + " ,, " + registry.host());
          call.with("X-Docker-Endpoints", last.host() + ",");
          call.exchange().sendResponseHeaders(200, 2);
          call.exchange().getResponseBody().write("[]".getBytes(UTF_8));
        });
    engine.pull(index.host() + "/x:1");
    assertEquals(1, registry.count("GET " + layer));
    assertEquals(1, last.count("GET " + layer));
  }

  @Test
  void aRepositoryWithoutChecksumsIsTaken() {
    IMAGE.in(registry, "x", "1");
    IMAGE.steps().forEach(step -> registry.index().images("x").put(step.id(), ""));
    List<String> told = engine.pull(registry.host() + "/x:1");
    assertTrue(told.stream().anyMatch(line -> line.contains("has no checksums")), told::toString);
  }

  @Test
  void aLayerThatManyWantComesOnce() throws Exception {
    IMAGE.in(registry, "x", "1").listed(registry, "x").listed(registry, "y");
    registry.registry().tags("y").put("1", IMAGE.steps().get(1).id()); // another image
    String path = IMAGE.steps().get(0).path("layer");
    var isAsked = new CountDownLatch(1);
    var mayGo = new CountDownLatch(1);
    registry.answers.put(
        path,
        call -> {
          isAsked.countDown();
          awaitOrFail(mayGo);
          registry.serve(call);
        });
    var threads = Executors.newCachedThreadPool();
    try {
      var first = threads.submit(() -> engine.pull(registry.host() + "/x:1"));
      awaitOrFail(isAsked);
      var lines = new Engine.Lines();
      var isWaiting = new CountDownLatch(1);
      var second =
          threads.submit(
              () ->
                  engine.client.pull(
                      registry.host() + "/y:1", false, "", null, new Waiting(lines, isWaiting)));
      awaitOrFail(isWaiting);
      mayGo.countDown();
      first.get(20, TimeUnit.SECONDS);
      second.get(20, TimeUnit.SECONDS);
    } finally {
      threads.shutdownNow();
    }
    assertEquals(1, registry.count("GET " + path));
    assertEquals(2, engine.images.list().size());
  }

  @Test
  void aLayerThatHasComeMeanwhileIsNotFetchedAgain() throws Exception {
    IMAGE.in(registry, "x", "1").listed(registry, "x").listed(registry, "y");
    registry.registry().tags("y").put("1", IMAGE.steps().get(0).id()); // another image
    String json = IMAGE.steps().get(0).path("json");
    var isAsked = new CountDownLatch(1);
    var mayGo = new CountDownLatch(1);
    registry.answers.put(
        json,
        call -> {
          registry.answers.remove(json);
          isAsked.countDown();
          awaitOrFail(mayGo);
          registry.serve(call);
        });
    var threads = Executors.newCachedThreadPool();
    try {
      var late = threads.submit(() -> engine.pull(registry.host() + "/y:1"));
      awaitOrFail(isAsked);
      engine.pull(registry.host() + "/x:1");
      mayGo.countDown();
      late.get(20, TimeUnit.SECONDS);
    } finally {
      threads.shutdownNow();
    }
    assertEquals(1, registry.count("GET " + IMAGE.steps().get(0).path("layer")));
  }

  /** What is known of ids is an aid: layers are fetched again without it. */
  @Test
  void aPullNeedsNothingThatIsKnown() throws IOException {
    Files.writeString(Files.createDirectory(engine.root.resolve("registry")).resolve("v1"), "x");
    IMAGE.in(registry, "x", "1").listed(registry, "x");
    engine.pull(registry.host() + "/x:1");
    assertEquals(1, engine.images.list().size());
  }

  private static void awaitOrFail(CountDownLatch latch) throws IOException {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** Hears when a pull waits for another one. */
  private record Waiting(Engine.Lines lines, CountDownLatch isWaiting)
      implements io.gantry.api.Transfers.Telling {
    @Override
    public void says(String id, String status) {
      if (status.endsWith("already being pulled by another client. Waiting.")) {
        isWaiting.countDown();
      }
      lines.says(id, status);
    }

    @Override
    public void at(String id, String status, long current, long total) {}

    @Override
    public void pushed(String tag, String digest, long size) {}
  }

  @Test
  void aWebServerWithTheFilesOfARegistryIsOne() throws IOException {
    registry.answers.put("GET /v1/_ping", call -> call.exchange().sendResponseHeaders(404, -1));
    IMAGE.in(registry, "a/b", "1");
    try (Engine knowing = new Engine(temp.resolve("knowing"), V1Settings.with(registry.host()))) {
      knowing.pull(registry.host() + "/a/b:1");
      assertEquals(3, knowing.images.inspect(registry.host() + "/a/b:1").layers().size());
    }
    assertFalse(asked(registry).contains("GET /v1/repositories/a/b/images"));
    assertEquals(Kind.NOT_FOUND, refused(registry.host() + "/a/b:1").kind());
  }

  @Test
  void namesMayBeLedElsewhere() throws IOException {
    IMAGE.in(registry, "a/b", "1").listed(registry, "a/b");
    String elsewhere = "old.example=http://" + registry.host();
    try (Engine knowing = new Engine(temp.resolve("knowing"), V1Settings.with(elsewhere))) {
      knowing.pull("old.example/a/b:1");
      assertEquals(3, knowing.images.inspect("old.example/a/b:1").layers().size());
    }
    assertEquals("GET /v1/_ping", asked(registry).get(0));
  }

  @Test
  void aDigestIsNothingThatItKnows() {
    IMAGE.in(registry, "x", "1").listed(registry, "x");
    GantryException e = refused(registry.host() + "/x@" + BASE.diff());
    assertEquals(Kind.INVALID, e.kind());
    assertEquals(List.of(), Arrays.asList(engine.images.list().toArray()));
  }
}
