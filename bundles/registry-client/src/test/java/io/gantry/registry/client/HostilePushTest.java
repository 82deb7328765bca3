package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.registry.client.wire.Patience;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Support;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import io.gantry.store.Digest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Registries that lie of what they were sent, send people elsewhere, or take nothing. */
class HostilePushTest extends RegistryFixture {

  private static final byte[] TAR = TestImage.tar("own", 12 << 20);
  private static final String BEGIN = "POST /v2/a/b/blobs/uploads/";
  private static final String LAYER = "/v2/a/b/blobs/uploads/1";

  private final CountDownLatch end = new CountDownLatch(1);

  @BeforeEach
  void make() {
    engine.make(name(""), "1", TAR);
  }

  @AfterEach
  void end() {
    end.countDown();
    assertEquals(List.of(), engine.client.list());
  }

  private GantryException refusedPush() {
    GantryException e = assertThrows(GantryException.class, () -> engine.push(name(":1")));
    assertEquals(List.of(), engine.images.inspect(name(":1")).digests());
    return e;
  }

  @Test
  void anAnswerAmidALayerIsHeard() {
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          exchange.getRequestBody().readNBytes(1000);
          String json = "{\"errors\":[{\"code\":\"SIZE_INVALID\",\"message\":\"too large\"}]}";
          exchange.sendResponseHeaders(413, json.length());
          exchange.getResponseBody().write(json.getBytes(UTF_8));
          exchange.getResponseBody().flush();
          await(end);
        });
    assertEquals("size invalid: too large", refusedPush().getMessage());
    until(() -> registry.count("DELETE", LAYER) == 1);
  }

  @Test
  void aRegistryThatTakesNothingIsGivenUp() {
    var impatient =
        new Patience(
            Duration.ofSeconds(20),
            Duration.ofSeconds(1),
            Duration.ofSeconds(20),
            Duration.ofMillis(700),
            Duration.ofSeconds(20),
            Duration.ofMillis(10),
            2);
    engine.close();
    engine = new Engine(temp, List.of(), impatient);
    registry.answers.put("PATCH " + LAYER, exchange -> await(end));
    String second = LAYER.replace('1', '2'); // of the first one nothing has come in
    registry.answers.put("PATCH " + second, exchange -> await(end));
    GantryException e = refusedPush();
    assertEquals(Kind.UNAVAILABLE, e.kind());
    assertEquals(
        "Patch \"http://%s%s\": the registry does not answer in time"
            .formatted(registry.host(), second),
        e.getMessage());
  }

  @Test
  void aRegistryThatHangsUpIsGivenUp() {
    registry.answers.put(
        "PATCH " + LAYER, exchange -> registry.uploads.breakOff(exchange, "1", 1000));
    GantryException e = refusedPush();
    assertEquals(Kind.UNAVAILABLE, e.kind());
    assertEquals(Engine.PATIENCE.attempts(), registry.count("PATCH", LAYER));
  }

  @Test
  void aRegistryThatHasAllBeforeItWasSentIsRefused() {
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          exchange.getRequestBody().readNBytes(1000);
          exchange.getResponseHeaders().set("Location", LAYER);
          exchange.sendResponseHeaders(202, 1);
          exchange.getResponseBody().write('.');
          exchange.getResponseBody().flush();
          await(end);
        });
    assertEquals(
        "Patch \"http://%s%s\": the registry says that it has all before that has been sent"
            .formatted(registry.host(), LAYER),
        refusedPush().getMessage());
  }

  @Test
  void aRegistryThatLosesWhatItHadAgainAndAgainIsGivenUp() {
    AtomicInteger pieces = new AtomicInteger();
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          int piece = pieces.incrementAndGet();
          exchange.getResponseHeaders().set("Range", piece % 2 == 1 ? "0-99" : "0-1");
          exchange.sendResponseHeaders(piece > 50 ? 400 : 202, -1);
        });
    registry.answers.put(
        "GET " + LAYER,
        exchange -> {
          exchange.getResponseHeaders().set("Range", "0-99");
          exchange.sendResponseHeaders(204, -1);
        });
    GantryException e = refusedPush();
    assertEquals(Kind.UNAVAILABLE, e.kind());
    assertEquals(
        "Patch \"http://%s%s\": the registry loses again and again what it has been sent"
            .formatted(registry.host(), LAYER),
        e.getMessage());
  }

  @Test
  void aRegistryThatClaimsToHaveMoreThanWasSentIsRefused() {
    registry.answers.put(
        "PATCH " + LAYER,
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          exchange.getResponseHeaders().set("Range", "0-999999999");
          exchange.sendResponseHeaders(202, -1);
        });
    assertTrue(refusedPush().getMessage().endsWith("has more of the blob than was sent"));
  }

  @Test
  void aRegistryThatMakesAnotherBlobOfItIsRefused() {
    registry.answers.put(
        BEGIN,
        exchange -> {
          exchange.getResponseHeaders().set("Location", "/x?y=z");
          exchange.sendResponseHeaders(202, -1);
        });
    registry.answers.put(
        "PATCH /x?y=z",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          exchange.getResponseHeaders().set("Location", "/end");
          exchange.sendResponseHeaders(202, -1);
        });
    registry.others =
        exchange -> {
          String other = Digest.sha256(new byte[1]).toString();
          exchange.getResponseHeaders().set("Docker-Content-Digest", other);
          exchange.sendResponseHeaders(201, -1);
        };
    GantryException e = refusedPush();
    assertTrue(e.getMessage().contains("the blob has digest"), e::getMessage);
  }

  @ParameterizedTest
  @CsvSource({
    "file:///etc/passwd, it is no address of http or https",
    "http://x@127.0.0.1/, it names a user",
    "'http://[', it is no URI",
  })
  void aPlaceThatNobodyMayNameIsRefused(String location, String reason) {
    registry.answers.put(
        BEGIN,
        exchange -> {
          exchange.getResponseHeaders().set("Location", location);
          exchange.sendResponseHeaders(202, -1);
        });
    GantryException e = refusedPush();
    assertEquals(Kind.FORBIDDEN, e.kind());
    assertTrue(e.getMessage().endsWith("refused: " + reason), e::getMessage);
    assertEquals(0, registry.count("PATCH", ".*"));
  }

  @Test
  void anAnswerWithoutAPlaceIsRefused() {
    registry.answers.put(BEGIN, exchange -> exchange.sendResponseHeaders(202, -1));
    assertTrue(refusedPush().getMessage().endsWith("does not say where to upload"));
  }

  /** Shows who it is without being asked. */
  private static final class Open implements RegistryAuthProvider {
    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public Map<String, String> prepare(RegistryRequest request) {
      return Map.of("Authorization", "Secret", "Cookie", "secret=1");
    }
  }

  /** As stores of objects have it: another host takes the bytes. */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void anotherHostGetsTheLayerAndNoSecrets(boolean byRedirect) throws IOException {
    engine.providers.put("open", new Open());
    try (var elsewhere = new FakeRegistry()) {
      String place = "http://" + elsewhere.host() + "/store?signature=x";
      elsewhere.answers.put(
          "/store?signature=x",
          exchange -> {
            byte[] content = exchange.getRequestBody().readAllBytes();
            registry.uploads.sessions.get("1").write(content);
            exchange.getResponseHeaders().set("Location", "http://" + registry.host() + LAYER);
            exchange.sendResponseHeaders(202, -1);
          });
      if (byRedirect) {
        registry.answers.put(
            "PATCH " + LAYER,
            exchange -> {
              exchange.getRequestBody().readAllBytes(); // else the answer may be lost
              exchange.getResponseHeaders().set("Location", place);
              exchange.sendResponseHeaders(307, -1);
            });
      } else {
        registry.answers.put(
            BEGIN,
            exchange -> {
              registry.answers.remove(BEGIN);
              registry.uploads.begin("1");
              exchange.getResponseHeaders().set("Location", place);
              exchange.sendResponseHeaders(202, -1);
            });
      }
      engine.push(name(":1"));
      var asked = elsewhere.asked.get(0);
      assertEquals("PATCH /store?signature=x", asked.toString());
      assertEquals("", asked.header("Authorization"));
      assertEquals("", asked.header("Cookie"));
      assertEquals("Secret", registry.asked.get(registry.asked.size() - 1).header("Authorization"));
    }
  }

  @Test
  void aMountThatIsALieIsNotBelieved() {
    engine.push(name(":1"));
    engine.images.tag(name(":1"), registry.host() + "/c", "1");
    Digest layer = engine.known(Digest.sha256(TAR)).get(0).digest();
    registry.answers.put(
        "POST /v2/c/blobs/uploads/?mount=" + layer + "&from=a/b",
        exchange -> exchange.sendResponseHeaders(201, -1));
    List<String> told = engine.push(registry.host() + "/c:1");
    assertTrue(told.stream().anyMatch(line -> line.endsWith(": Pushed")), told::toString);
  }

  @Test
  void aManifestThatTheRegistryCallsOtherwiseIsNoSuccess() {
    registry.answers.put(
        "PUT /v2/a/b/manifests/1",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          String other = Digest.sha256(new byte[1]).toString();
          exchange.getResponseHeaders().set("Docker-Content-Digest", other);
          exchange.sendResponseHeaders(201, -1);
        });
    GantryException e = refusedPush();
    assertEquals(Kind.INVALID, e.kind());
    assertTrue(e.getMessage().contains("and the registry says sha256:"), e::getMessage);
  }

  @Test
  void aSizeThatIsNotTheBlobsMeansThatItIsNotThere() {
    engine.push(name(":1"));
    Digest layer = engine.known(Digest.sha256(TAR)).get(0).digest();
    registry.answers.put(
        "HEAD " + FakeRegistry.blobPath("a/b", layer),
        exchange -> FakeRegistry.send(exchange, 200, "", new byte[3]));
    List<String> told = engine.push(name(":1"));
    assertTrue(told.stream().anyMatch(line -> line.endsWith(": Pushed")), told::toString);
  }
}
