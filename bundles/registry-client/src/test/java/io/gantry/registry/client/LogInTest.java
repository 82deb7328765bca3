package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.net.httpserver.HttpExchange;
import io.gantry.api.Transfers.Login;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Support;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class LogInTest {

  @TempDir Path temp;
  private FakeRegistry registry;
  private Engine engine;
  private final Words words = new Words();

  /** Says a user's word, and that there is a token to keep. */
  private static final class Words implements RegistryAuthProvider {
    final List<Challenge> challenges = new CopyOnWriteArrayList<>();

    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public AuthAnswer answer(Challenge challenge, @Nullable AuthResult result) {
      challenges.add(challenge);
      Credentials credentials = Objects.requireNonNull(challenge.request().credentials());
      String token = challenge.request().isLogin() ? "keep " + credentials.username() : "";
      return new AuthAnswer(Map.of("Authorization", credentials.password()), null, token);
    }
  }

  @BeforeEach
  void start() throws IOException {
    registry = new FakeRegistry();
    registry.answers.put("/v2/", LogInTest::answer);
    engine = new Engine(temp);
    engine.providers.put("words", words);
  }

  @AfterEach
  void stop() {
    engine.close();
    registry.close();
  }

  private static void answer(HttpExchange exchange) throws IOException {
    String given = exchange.getRequestHeaders().getFirst("Authorization");
    if ("word".equals(given)) {
      FakeRegistry.send(exchange, 200, "application/json", "{}".getBytes(UTF_8));
      return;
    }
    exchange.getResponseHeaders().set("WWW-Authenticate", "Word realm=\"x\"");
    FakeRegistry.error(exchange, "no".equals(given) ? 403 : 401, "UNAUTHORIZED", "who?");
  }

  private String login(String password) {
    return engine.client.login(
        new Login("http://" + registry.host() + "/v2/", "u", password, "", ""));
  }

  private GantryException refused(String password) {
    return assertThrows(GantryException.class, () -> login(password));
  }

  @Test
  void whoIsKnownGetsATokenToKeep() {
    assertEquals("keep u", login("word"));
    Challenge challenge = words.challenges.get(0);
    assertEquals(registry.host(), challenge.request().registry());
    assertEquals(List.of(), challenge.request().scopes());
    assertEquals(Map.of(), challenge.refused());
  }

  @Test
  void aRegistryThatTakesAnybodyGivesNothing() {
    registry.answers.remove("/v2/");
    assertEquals("", login("any"));
  }

  @Test
  void aWrongWordIsSentOnceAndRefused() {
    GantryException e = refused("wrong");
    assertEquals(
        "login attempt to http://%s/v2/ failed with status: 401 Unauthorized"
            .formatted(registry.host()),
        e.getMessage());
    assertEquals(Kind.UNAUTHORIZED, e.kind());
    assertEquals(
        List.of("", "", "wrong"),
        registry.asked.stream().map(asked -> asked.header("Authorization")).toList(),
        "the ping, and a request without and with the word");
    assertEquals(Map.of("Authorization", "wrong"), words.challenges.get(1).refused());
  }

  @Test
  void otherAnswersAreNamedToo() {
    assertEquals(
        "login attempt to http://%s/v2/ failed with status: 403 Forbidden"
            .formatted(registry.host()),
        refused("no").getMessage());
  }

  @Test
  void aRegistryThatIsNotThereRefusesTheConnection() {
    var login = new Login("127.0.0.1:9", "u", "p", "", "");
    assertEquals(
        "Get \"http://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused",
        assertThrows(GantryException.class, () -> engine.client.login(login)).getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "'', docker.io",
    "https://index.docker.io/v1/, docker.io",
    "registry-1.docker.io, docker.io",
    "localhost:5000, localhost:5000",
    "http://localhost:5000, localhost:5000",
    "https://registry.example/v2/, registry.example",
    "[::1]:5000/x, [::1]:5000",
  })
  void clientsNameRegistriesInManyWays(String address, String registry) {
    assertEquals(registry, LogIn.registry(address));
  }

  @ParameterizedTest
  @ValueSource(strings = {"u:p@registry.example", "a b", "registry.example:99999999", "-x", "a\nb"})
  void whatIsNoRegistryIsRefused(String address) {
    assertEquals(
        Kind.INVALID, assertThrows(GantryException.class, () -> LogIn.registry(address)).kind());
  }
}
