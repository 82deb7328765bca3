package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Support;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthCall;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.RegistryAuthProvider;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Registries and token services that have too much to do. */
class OverloadedRegistryTest extends RegistryFixture {

  private static final String TAG = "/v2/a/b/manifests/1";

  /** Has a path answered with 429 so many times. */
  private AtomicInteger overload(String path, int times, String wish) {
    var asked = new AtomicInteger();
    registry.answers.put(
        path,
        exchange -> {
          if (asked.incrementAndGet() <= times) {
            exchange.getResponseHeaders().set("Retry-After", wish);
            FakeRegistry.error(exchange, 429, "TOOMANYREQUESTS", "slow down");
          } else {
            registry.serve(exchange, path.replaceFirst("^[A-Z]+ ", ""));
          }
        });
    return asked;
  }

  @Test
  void whoWaitsForOneIsTold() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    overload("HEAD " + TAG, 1, "1");
    overload(FakeRegistry.blobPath("a/b", MIDDLE.digest()), 1, "2");
    List<String> told = engine.pull(name(":1"));
    assertEquals("Retrying in 1 second", told.get(0));
    assertTrue(told.contains(MIDDLE.id() + ": Retrying in 2 seconds"), told::toString);
    assertEquals(2, told.stream().filter(line -> line.contains("Retrying")).count());
  }

  @Test
  void aPushTellsItToo() {
    engine.make(name(""), "1", TestImage.tar("own", 1000));
    overload("PUT " + TAG, 1, "1");
    List<String> told = engine.push(name(":1"));
    assertTrue(told.contains("Retrying in 1 second"), told::toString);
  }

  @Test
  void oneThatWantsToBeLeftAloneForLongIs() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    AtomicInteger asked = overload(TAG, 100, "3600");
    GantryException e = refused(name(":1"));
    assertEquals(Kind.EXHAUSTED, e.kind());
    assertEquals("toomanyrequests: slow down", e.getMessage());
    assertEquals(2, asked.get(), "by HEAD and by GET");
  }

  /** Answers with what a token service says. */
  private record Tokens(String realm) implements RegistryAuthProvider {
    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public AuthAnswer answer(Challenge challenge, @Nullable AuthResult result) {
      return result == null
          ? AuthAnswer.ask(new AuthCall("GET", realm, Map.of(), ""))
          : AuthAnswer.headers(Map.of("Authorization", result.status() + " " + result.body()));
    }
  }

  @Test
  void aTokenServiceIsAskedAgain() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    engine.providers.put("tokens", new Tokens("http://" + registry.host() + "/token"));
    AtomicInteger asked = overload("/token", 2, "0");
    registry.others =
        exchange -> FakeRegistry.send(exchange, 200, "", "t0k".getBytes(StandardCharsets.UTF_8));
    registry.answers.put(
        TAG,
        exchange -> {
          String proof = exchange.getRequestHeaders().getFirst("Authorization");
          if ("200 t0k".equals(proof)) {
            registry.serve(exchange, TAG);
          } else {
            exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
            FakeRegistry.error(exchange, 401, "UNAUTHORIZED", "authentication required");
          }
        });
    engine.pull(name(":1"));
    assertEquals(3, asked.get());
    assertEquals(IMAGE.id(), engine.images.inspect(name(":1")).id());
  }
}
