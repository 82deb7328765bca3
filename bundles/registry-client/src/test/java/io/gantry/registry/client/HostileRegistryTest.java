package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Transfers.Login;
import io.gantry.registry.client.TestImage.Layer;
import io.gantry.registry.client.TestImage.Packing;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Support;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthCall;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import io.gantry.store.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Registries that lie, flood and send people elsewhere. */
class HostileRegistryTest extends RegistryFixture {

  private static final Layer LAYER = TestImage.layer("file", 1000, Packing.GZIP);
  private static final TestImage IMAGE = TestImage.of("amd64", LAYER);
  private static final String TAG = "/v2/a/b/manifests/1";

  @AfterEach
  void nothingIsLeft() {
    engine.assertHasNothing();
  }

  private GantryException refused() {
    return refused(name(":1"));
  }

  private void answer(String path, String type, byte[] content) {
    registry.answers.put(path, exchange -> FakeRegistry.send(exchange, 200, type, content));
  }

  private void manifest(String type, String json) {
    registry.answers.put("HEAD " + TAG, exchange -> FakeRegistry.error(exchange, 405, "X", "x"));
    answer(TAG, type, json.getBytes(UTF_8));
  }

  /** Sends for as long as somebody reads. */
  private void flood(String path, int status) {
    registry.answers.put(
        path,
        exchange -> {
          exchange.sendResponseHeaders(status, 0);
          try (OutputStream out = exchange.getResponseBody()) {
            byte[] spaces = " ".repeat(1 << 16).getBytes(UTF_8);
            while (true) {
              out.write(spaces);
            }
          }
        });
  }

  @Test
  void aManifestWithoutEndIsRefused() {
    registry.answers.put("HEAD " + TAG, exchange -> FakeRegistry.error(exchange, 405, "X", "x"));
    flood(TAG, 200);
    assertEquals(
        "GET http://%s%s: the answer is larger than 4194304 bytes".formatted(registry.host(), TAG),
        refused().getMessage());
  }

  @Test
  void anErrorWithoutEndIsCutOff() {
    registry.answers.put("HEAD " + TAG, exchange -> FakeRegistry.error(exchange, 405, "X", "x"));
    flood(TAG, 400);
    assertTrue(refused().getMessage().contains("status 400"), () -> refused().getMessage());
  }

  @Test
  void aConfigurationThatIsAnotherIsRefused() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    String path = FakeRegistry.blobPath("a/b", IMAGE.id());
    byte[] other = new String(IMAGE.config(), UTF_8).replace("amd64", "arm64").getBytes(UTF_8);
    answer(path, "", other);
    assertEquals(
        "blob %s has digest %s".formatted(IMAGE.id(), Digest.sha256(other)),
        refused().getMessage());
    answer(path, "", new byte[1]);
    assertEquals(
        "blob %s has 1 bytes instead of %d".formatted(IMAGE.id(), IMAGE.config().length),
        refused().getMessage());
    flood(path, 200);
    assertTrue(refused().getMessage().contains("larger"));
  }

  @Test
  void aTagThatAnswersOtherwiseThanItsHeadSaysIsRefused() {
    Digest said = IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    byte[] other = IMAGE.manifest(TestImage.DOCKER);
    answer("/v2/a/b/manifests/" + said, TestImage.DOCKER, other);
    assertEquals(
        "manifest verification failed for digest %s: it has %s"
            .formatted(said, Digest.sha256(other)),
        refused().getMessage());
  }

  @Test
  void whatThereIsNoRoomForIsNotKeptForTheNextAttempt() {
    Layer large = TestImage.layer("large", 300_000, Packing.GZIP);
    TestImage.of("amd64", LAYER, large).in(registry, "a/b", "1", TestImage.OCI);
    engine.mostBytes = large.blob().length; // and its tar has more
    assertEquals(Kind.EXHAUSTED, refused().kind());
    assertEquals(List.of(), engine.rests());
  }

  /** It is what its digest says, and no layer. */
  @Test
  void aBlobThatMakesNoLayerIsNotKeptForTheNextAttempt() {
    byte[] garbage = new byte[100_000];
    new Random(1).nextBytes(garbage);
    Layer none = new Layer(Packing.PLAIN.type(), garbage, Digest.sha256(garbage));
    TestImage.of("amd64", none).in(registry, "a/b", "1", TestImage.OCI);
    assertEquals(Kind.INVALID, refused().kind());
    assertEquals(List.of(), engine.rests());
  }

  @Test
  void aDigestInAHeaderIsNotBelieved() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    Digest wrong = Digest.sha256(new byte[1]);
    registry.answers.put("HEAD " + TAG, exchange -> FakeRegistry.error(exchange, 405, "X", "x"));
    byte[] json = IMAGE.manifest(TestImage.OCI);
    registry.answers.put(
        TAG,
        exchange -> {
          exchange.getResponseHeaders().set("Docker-Content-Digest", wrong.toString());
          FakeRegistry.send(exchange, 200, TestImage.OCI, json);
        });
    assertEquals(
        "manifest a/b:1 has digest %s and the registry says %s"
            .formatted(Digest.sha256(json), wrong),
        refused().getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "application/vnd.oci.image.manifest.v1+json | {'schemaVersion':2,'config':{},'layers':[],'manifests':[]} | it is no manifest, or more than one",
        "application/vnd.oci.image.index.v1+json | {'schemaVersion':2,'manifests':[],'layers':[]} | it is no index, or more than one",
        "application/vnd.oci.image.index.v1+json | {'config':{},'layers':[]} | it is no index, or more than one",
        "application/vnd.oci.image.index.v1+json | {'mediaType':'application/vnd.oci.image.manifest.v1+json','manifests':[]} | the registry calls it",
        "text/html | {'config':{},'layers':[]} | media type \"text/html\" is not supported",
        "application/json | {'mediaType':'x/y','config':{}} | media type \"x/y\" is not supported",
        "application/vnd.oci.image.manifest.v1+json | <html> | no JSON",
        "application/vnd.oci.image.manifest.v1+json | {'config':{'mediaType':'application/vnd.oci.image.config.v1+json','digest':'sha256:../../x','size':1},'layers':[]} | invalid checksum digest format",
        "application/vnd.docker.distribution.manifest.v1+prettyjws | {'fsLayers':[]} | schema 1",
        "application/vnd.oci.image.manifest.v1+json | {'config':{'mediaType':'application/vnd.cncf.helm.config.v1+json','digest':'sha256:0000000000000000000000000000000000000000000000000000000000000000','size':2},'layers':[]} | is an artifact of type \"application/vnd.cncf.helm.config.v1+json\" and no image",
      })
  void whatIsNoManifestOrTwoIsRefused(String type, String json, String sentence) {
    manifest(type, json.replace('\'', '"'));
    GantryException e = refused();
    assertEquals(Kind.INVALID, e.kind());
    assertTrue(e.getMessage().contains(sentence), e::getMessage);
  }

  @Test
  void anIndexThatLeadsToItselfEnds() {
    byte[] image = IMAGE.manifest(TestImage.OCI);
    String entry = TestImage.descriptor(TestImage.OCI, Digest.sha256(image), image.length, "");
    String json = new String(TestImage.index(TestImage.OCI_INDEX, entry), UTF_8);
    for (int i = 0; i < 10; i++) {
      byte[] bytes = json.getBytes(UTF_8);
      Digest digest = registry.manifest("a/b", "1", TestImage.OCI_INDEX, bytes);
      entry = TestImage.descriptor(TestImage.OCI_INDEX, digest, bytes.length, "");
      json = new String(TestImage.index(TestImage.OCI_INDEX, entry), UTF_8);
    }
    assertEquals("indexes lead to indexes without end", refused().getMessage());
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 100_000})
  void aSizeThatIsALieIsNotPaidFor(int size) {
    registry.blob("a/b", IMAGE.config());
    registry.blob("a/b", LAYER.blob());
    String json =
        new String(IMAGE.manifest(TestImage.OCI), UTF_8)
            .replace("\"size\":" + LAYER.blob().length, "\"size\":" + size);
    manifest(TestImage.OCI, json);
    GantryException e = refused();
    String sentence =
        size < LAYER.blob().length ? "is larger than the 100 bytes" : "the registry has closed";
    assertTrue(e.getMessage().contains(sentence), e::getMessage);
  }

  @Test
  void layersThatTheConfigurationDoesNotKnowAreRefused() {
    Layer other = TestImage.layer("other", 10, Packing.GZIP);
    var mixed = new TestImage(IMAGE.config(), List.of(other));
    mixed.in(registry, "a/b", "1", TestImage.OCI);
    assertTrue(refused().getMessage().startsWith("invalid diffID for layer 0"));
    new TestImage(IMAGE.config(), List.of(LAYER, other)).in(registry, "a/b", "1", TestImage.OCI);
    assertTrue(refused().getMessage().endsWith("has 2 layers and its configuration 1"));
  }

  @Test
  void anOverloadedRegistryIsAskedAgainAndNotForEver() {
    AtomicInteger times = new AtomicInteger();
    registry.answers.put(
        TAG,
        exchange -> {
          times.incrementAndGet();
          exchange.getResponseHeaders().set("Retry-After", "0");
          FakeRegistry.error(exchange, 429, "TOOMANYREQUESTS", "slow down");
        });
    GantryException e = refused();
    assertEquals(Kind.EXHAUSTED, e.kind());
    assertEquals("toomanyrequests: slow down", e.getMessage());
    assertEquals(8, times.get(), "four times HEAD and GET each");
  }

  /** Sentences of dockerd 28. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "403 | DENIED | requested access to the resource is denied | pull access denied for HOST/a/b, repository does not exist or may require 'docker login': denied: requested access to the resource is denied | NOT_FOUND",
        "404 | MANIFEST_UNKNOWN | manifest unknown | manifest for HOST/a/b:1 not found: manifest unknown: manifest unknown | NOT_FOUND",
        "404 | NAME_UNKNOWN | repository name not known to registry | repository HOST/a/b not found: name unknown: repository name not known to registry | NOT_FOUND",
        "401 | UNAUTHORIZED | authentication required | unauthorized: authentication required | UNAUTHORIZED",
        "500 | UNKNOWN | x | received unexpected HTTP status: 500 Internal Server Error (GET http://HOST/v2/a/b/manifests/1) | UNAVAILABLE",
      })
  void refusalsReadAsDockerds(int status, String code, String message, String sentence, Kind kind) {
    registry.answers.put(TAG, exchange -> FakeRegistry.error(exchange, status, code, message));
    GantryException e = refused();
    assertEquals(sentence.replace("HOST", registry.host()), e.getMessage());
    assertEquals(kind, e.kind());
  }

  @Test
  void aPasswordThatIsWantedAndMissingIsNamed() {
    registry.answers.put(
        TAG,
        exchange -> {
          exchange.getResponseHeaders().set("WWW-Authenticate", "Basic realm=\"x\"");
          FakeRegistry.error(exchange, 401, "UNAUTHORIZED", "authentication required");
        });
    assertEquals(
        "Get \"http://%s%s\": no basic auth credentials".formatted(registry.host(), TAG),
        refused().getMessage());
  }

  @Test
  void aRegistryThatIsNotThereIsNamed() {
    assertEquals(
        "Get \"http://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused",
        assertThrows(GantryException.class, () -> engine.pull("127.0.0.1:9/x:1")).getMessage());
    assertEquals(
        "Get \"https://nosuch.invalid/v2/\": dial tcp: lookup nosuch.invalid: no such host",
        assertThrows(GantryException.class, () -> engine.pull("nosuch.invalid/x:1")).getMessage());
  }

  /** Logs in by a call to a token service, and says what it was asked. */
  private static final class Tokens implements RegistryAuthProvider {
    final List<String> seen = new ArrayList<>();
    @Nullable Credentials stored;

    @Override
    public @Nullable Credentials credentials(String registry) {
      return stored;
    }

    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public Map<String, String> prepare(RegistryRequest request) {
      return Map.of("Cookie", "session=secret");
    }

    @Override
    public AuthAnswer answer(Challenge challenge, @Nullable AuthResult result) {
      seen.add(challenge.scheme() + " " + challenge.request().scopes());
      if (!challenge.scheme().equals("bearer")) {
        return AuthAnswer.NONE;
      }
      if (result != null) {
        return AuthAnswer.headers(Map.of("Authorization", "Bearer " + result.body()));
      }
      String realm = String.valueOf(challenge.parameters().get("realm"));
      return AuthAnswer.ask(new AuthCall("GET", realm, Map.of("Authorization", "Basic p"), ""));
    }
  }

  private Tokens withTokens(String realm) {
    var tokens = new Tokens();
    engine.providers.put("tokens", tokens);
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    for (String path :
        List.of(TAG, "/v2/a/b/manifests/" + Digest.sha256(IMAGE.manifest(TestImage.OCI)))) {
      registry.answers.put(
          path,
          exchange -> {
            if ("Bearer t0k".equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
              registry.serve(exchange, path);
              return;
            }
            exchange
                .getResponseHeaders()
                .set(
                    "WWW-Authenticate",
                    "Basic, Bearer realm=\"" + realm + "\",service=\"a, \\\"b\"");
            FakeRegistry.error(exchange, 401, "UNAUTHORIZED", "authentication required");
          });
    }
    return tokens;
  }

  @Test
  void aChallengeIsAnsweredAndNothingSecretGoesToAnotherHost() throws IOException {
    try (var other = new FakeRegistry()) {
      Tokens tokens = withTokens("http://" + registry.host() + "/token");
      answer("/token", "", "t0k".getBytes(UTF_8));
      String path = FakeRegistry.blobPath("a/b", LAYER.digest());
      answerAt(other, "/elsewhere", LAYER.blob());
      registry.answers.put(path, redirect("http://" + other.host() + "/elsewhere"));
      Login login = new Login("", "u", "p", "", "");
      engine.client.pull(registry.host() + "/a/b:1", false, "", login, new Engine.Lines());

      assertEquals("bearer [repository:a/b:pull]", tokens.seen.get(1));
      var elsewhere = other.asked.get(0);
      assertEquals("", elsewhere.header("Authorization"));
      assertEquals("", elsewhere.header("Cookie"));
      var last = registry.asked.stream().filter(one -> one.path().equals(path)).findFirst();
      assertEquals("Bearer t0k", last.orElseThrow().header("Authorization"));
      assertEquals(1, registry.fetched("/token"), "it is kept for the whole pull");
      engine.images.remove(registry.host() + "/a/b:1", true, true, image -> List.of());
    }
  }

  @Test
  void anAnswerIsLetGoOfWhenItsRealmIsRefused() throws InterruptedException {
    withTokens("");
    CountDownLatch closed = new CountDownLatch(1);
    registry.answers.put("HEAD " + TAG, exchange -> exchange.sendResponseHeaders(404, -1));
    registry.answers.put(
        "GET " + TAG,
        exchange -> {
          exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer realm=\"ftp://x/\"");
          exchange.sendResponseHeaders(401, 64 << 20);
          try {
            exchange.getResponseBody().write(new byte[64 << 20]);
          } finally {
            closed.countDown();
          }
        });
    assertEquals(Kind.FORBIDDEN, refused(name(":1")).kind());
    assertTrue(
        closed.await(Engine.PATIENCE.stall().toSeconds() / 2, TimeUnit.SECONDS),
        "the connection is still open");
  }

  private static void answerAt(FakeRegistry other, String path, byte[] content) {
    other.answers.put(path, exchange -> FakeRegistry.send(exchange, 200, "", content));
  }

  private static FakeRegistry.Answer redirect(String location) {
    return exchange -> {
      exchange.getResponseHeaders().set("Location", location);
      exchange.sendResponseHeaders(307, -1);
    };
  }

  @Test
  void redirectsInACircleEnd() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    String path = FakeRegistry.blobPath("a/b", LAYER.digest());
    registry.answers.put(path, redirect(path));
    assertEquals(
        "GET http://%s%s: stopped after 10 redirects".formatted(registry.host(), path),
        refused().getMessage());
    assertEquals(11, registry.fetched(path));
  }

  @ParameterizedTest
  @ValueSource(strings = {"file:///etc/passwd", "http://u:p@127.0.0.1/", "http:///x", "::"})
  void redirectsToWhatIsNoPlaceAreRefused(String location) {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    registry.answers.put(FakeRegistry.blobPath("a/b", LAYER.digest()), redirect(location));
    assertTrue(refused().getMessage().contains("refused"), () -> refused().getMessage());
  }

  @Test
  void aTokenServiceWithoutEndIsCutOff() {
    withTokens("http://" + registry.host() + "/token");
    flood("/token", 200);
    assertTrue(refused().getMessage().contains("larger than 1048576 bytes"));
  }

  /** Some have pages for people. */
  @Test
  void aChallengeIsAnsweredHoweverLongItsPage() {
    withTokens("http://" + registry.host() + "/token");
    answer("/token", "", "t0k".getBytes(UTF_8));
    FakeRegistry.Answer served = registry.answers.get(TAG);
    registry.answers.put("HEAD " + TAG, exchange -> exchange.sendResponseHeaders(404, -1));
    registry.answers.put(
        "GET " + TAG,
        exchange -> {
          if (exchange.getRequestHeaders().containsKey("Authorization")) {
            served.to(exchange);
            return;
          }
          String realm = "http://" + registry.host() + "/token";
          exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer realm=\"" + realm + "\"");
          FakeRegistry.send(exchange, 401, "text/html", new byte[3 << 20]);
        });
    engine.pull(name(":1"));
    engine.images.remove(name(":1"), true, true, image -> List.of());
  }

  @Test
  void aRealmThatIsTooLongIsRefusedAtOnce() {
    withTokens("http://" + registry.host() + "/" + "x".repeat(40_000));
    GantryException e = refused();
    assertEquals(Kind.FORBIDDEN, e.kind(), e::getMessage);
    assertTrue(e.getMessage().endsWith("refused, since it is too long"), e::getMessage);
    assertEquals(1, registry.count("HEAD", TAG) + registry.count("GET", TAG));
  }

  @Test
  void aTokenServiceElsewhereWithoutTlsGetsNothing() {
    withTokens("http://192.0.2.1/token");
    assertEquals(
        "registry %s wants credentials sent to http://192.0.2.1/token: refused, since it is another host and has no TLS"
            .formatted(registry.host()),
        refused().getMessage());
  }

  @Test
  void aTokenServiceThatSendsElsewhereIsNotFollowed() throws IOException {
    try (var other = new FakeRegistry()) {
      withTokens("http://" + registry.host() + "/token");
      registry.answers.put("/token", redirect("http://" + other.host() + "/token"));
      assertEquals(Kind.UNAUTHORIZED, refused().kind());
      assertEquals(List.of(), other.asked);
    }
  }

  /** Whose user is there to notice it gives them anew each time. */
  @Test
  void storedCredentialsDoNotFollowARegistryToAnotherTokenService() throws IOException {
    try (var other = new FakeRegistry()) {
      withTokens("http://" + registry.host() + "/token").stored = Credentials.password("u", "p");
      answer("/token", "", "t0k".getBytes(UTF_8));
      answerAt(other, "/token", "t0k".getBytes(UTF_8));
      String ref = registry.host() + "/a/b:1";
      engine.pull(ref);
      engine.images.remove(ref, true, true, image -> List.of());

      withTokens("http://" + other.host() + "/token").stored = Credentials.password("u", "p");
      assertEquals(Kind.FORBIDDEN, refused().kind());
      assertEquals(List.of(), other.asked);
      Login login = new Login("", "u", "p", "", "");
      engine.client.pull(ref, false, "", login, new Engine.Lines());
      engine.images.remove(ref, true, true, image -> List.of());
      assertEquals(1, other.asked.size(), "a user has said so");
      engine.client.forget(registry.host());
      engine.pull(ref);
      engine.images.remove(ref, true, true, image -> List.of());
    }
  }

  @Test
  void aTokenThatIsNotTakenIsNotAskedForWithoutEnd() {
    withTokens("http://" + registry.host() + "/token");
    answer("/token", "", "wrong".getBytes(UTF_8));
    assertEquals(Kind.UNAUTHORIZED, refused().kind());
    assertTrue(registry.fetched("/token") <= 6);
  }
}
