package io.gantry.auth.token;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthCall;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import io.gantry.spi.testkit.RegistryAuthProviderContract;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenAuthTest extends RegistryAuthProviderContract {

  private static final String REALM = "https://auth.example/token";
  private static final Credentials REFRESH = new Credentials("", "", SECRET + "-refresh", "");

  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private final TokenAuth auth = new TokenAuth(() -> now);

  @Override
  protected RegistryAuthProvider provider() {
    return new TokenAuth(() -> now);
  }

  @Override
  protected String scheme() {
    return "bearer";
  }

  @Override
  protected Map<String, String> parameters() {
    return Map.of("realm", REALM, "service", "registry one", "scope", "repository:y:pull");
  }

  @Override
  protected AuthResult result(AuthCall call) {
    String all = call.method() + call.uri() + call.headers() + call.body();
    String hash;
    try {
      var digest = MessageDigest.getInstance("SHA-256").digest(all.getBytes(UTF_8));
      hash = HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
    String body = "{\"token\":\"%s-%s\",\"refresh_token\":\"%s\",\"expires_in\":300}";
    return new AuthResult(call, 200, Map.of(), body.formatted(SECRET, hash, SECRET));
  }

  private static AuthResult says(AuthCall call, int status, String body) {
    return new AuthResult(call, status, Map.of(), body);
  }

  private AuthCall call(Challenge challenge) {
    AuthCall call = auth.answer(challenge, null).call();
    assertNotNull(call);
    return call;
  }

  private AuthCall call(@Nullable Credentials credentials) {
    return call(challenge(request(credentials)));
  }

  @Test
  void whoBringsNothingAsksAsNobody() {
    AuthCall call = call((Credentials) null);
    assertEquals("GET", call.method());
    assertEquals(REALM + "?service=registry+one&scope=repository%3Ax%3Apull", call.uri());
    assertEquals(Map.of(), call.headers());
  }

  @Test
  void aPasswordGoesByBasicAndItsOwnerIsNamed() {
    AuthCall call = call(Credentials.password("a b", "c"));
    assertTrue(call.uri().endsWith("&account=a+b"), call.uri());
    assertEquals(Map.of("Authorization", "Basic YSBiOmM="), call.headers());
  }

  @Test
  void aRealmMayHaveAQueryOfItsOwn() {
    var request = request(null);
    var parameters = Map.of("realm", REALM + "?a=b");
    AuthCall call = call(new Challenge(request, "bearer", parameters, Map.of()));
    assertEquals(REALM + "?a=b&scope=repository%3Ax%3Apull", call.uri());
  }

  @Test
  void aRefreshTokenGoesByPost() {
    AuthCall call = call(REFRESH);
    assertEquals("POST " + REALM, call.method() + " " + call.uri());
    assertEquals(
        "grant_type=refresh_token&refresh_token=s3cr3t-refresh&service=registry+one"
            + "&client_id=docker&scope=repository%3Ax%3Apull",
        call.body());
  }

  @ParameterizedTest
  @CsvSource({"404", "405", "501"})
  void whereGetIsNotTakenAPasswordGoesByPost(int status) {
    Challenge challenge = challenge(request(Credentials.password("u&", "p=")));
    AuthCall get = call(challenge);
    AuthCall post = auth.answer(challenge, says(get, status, "")).call();
    assertNotNull(post);
    assertEquals("POST", post.method());
    assertTrue(
        post.body().startsWith("grant_type=password&username=u%26&password=p%3D&service="),
        post.body());
    assertThrows(
        GantryException.class, () -> auth.answer(challenge, says(post, status, "")), "not again");
    Challenge nobody = challenge(request(null));
    assertThrows(GantryException.class, () -> auth.answer(nobody, says(call(nobody), status, "")));
  }

  @Test
  void aLoginAsksForARefreshTokenAndKeepsNothing() {
    RegistryRequest login = request("registry.example", true, "", ALICE);
    Challenge challenge = challenge(login);
    AuthCall call = call(challenge);
    assertEquals(
        REALM + "?service=registry+one&offline_token=true&client_id=docker&account=alice",
        call.uri());
    AuthAnswer answer =
        auth.answer(challenge, says(call, 200, "{\"access_token\":\"t\",\"refresh_token\":\"r\"}"));
    assertEquals("r", answer.identityToken());
    assertEquals(Map.of("Authorization", "Bearer t"), answer.headers());
    assertEquals("0", auth.status().get("Tokens"));
  }

  @Test
  void aTokenIsKeptUntilShortlyBeforeItsEnd() {
    Challenge challenge = challenge(request(ALICE));
    assertEquals(1, answered(auth, challenge).calls().size());
    now = now.plusSeconds(289);
    assertEquals(0, answered(auth, challenge).calls().size());
    now = now.plusSeconds(1);
    assertEquals(1, answered(auth, challenge).calls().size());
    assertEquals(Map.of("Tokens", "1", "Asked for", "2", "Used again", "1"), auth.status());
  }

  @ParameterizedTest
  @CsvSource({
    "'', 60",
    "',\"expires_in\":0', 60",
    "',\"expires_in\":-5', 60",
    "',\"expires_in\":\"x\"', 60",
    "',\"expires_in\":99999999999999', 86400"
  })
  void aTokenLivesForAMinuteAtLeastAndADayAtMost(String expiry, int seconds) {
    Challenge challenge = challenge(request(null));
    var result = says(call(challenge), 200, "{\"token\":\"t\"" + expiry + "}");
    auth.answer(challenge, result);
    now = now.plusSeconds(seconds - 11);
    assertEquals(List.of(), answered(auth, challenge).calls());
    now = now.plusSeconds(1);
    assertEquals(1, answered(auth, challenge).calls().size());
  }

  @Test
  void aTokenThatTheRegistryRefusesIsAskedForAnew() {
    Challenge challenge = challenge(request(ALICE));
    Map<String, String> old = answered(auth, challenge).headers();
    var again = new Challenge(challenge.request(), "bearer", parameters(), old);
    var result = says(call(again), 200, "{\"token\":\"other\"}");
    assertEquals(Map.of("Authorization", "Bearer other"), auth.answer(again, result).headers());
    assertEquals(
        Map.of("Authorization", "Bearer other"),
        auth.answer(again, null).headers(),
        "who comes with the old one gets what another has fetched");
    AuthCall call = result.call();
    assertEquals(AuthAnswer.NONE, auth.answer(again, says(call, 200, token(old))));
  }

  private static String token(Map<String, String> headers) {
    return "{\"token\":\"" + headers.get("Authorization").substring("Bearer ".length()) + "\"}";
  }

  @Test
  void whenMoreIsNeededWhatTheRegistryAsksForIsAdded() {
    var parameters =
        Map.of("realm", REALM, "error", "insufficient_scope", "scope", "a:b:c repository:x:pull");
    AuthCall call = call(new Challenge(request(null), "bearer", parameters, Map.of()));
    assertEquals(REALM + "?scope=a%3Ab%3Ac&scope=repository%3Ax%3Apull", call.uri());
    String flood = "x:y:z ".repeat(10) + "s%d:y:z ".repeat(100).formatted(numbers(100));
    var many = Map.of("realm", REALM, "error", "insufficient_scope", "scope", flood);
    call = call(new Challenge(request(null), "bearer", many, Map.of()));
    assertTrue(call.uri().length() < 1000, call.uri());
  }

  private static Object[] numbers(int count) {
    Object[] numbers = new Object[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = i;
    }
    return numbers;
  }

  @Test
  void aTokenOfTheClientIsSentAsItIs() {
    var request = request(new Credentials("", "", "", "t0k"));
    assertEquals(Map.of("Authorization", "Bearer t0k"), auth.prepare(request));
    assertEquals(AuthAnswer.NONE, auth.answer(challenge(request), null));
    var split = request(new Credentials("", "", "", "t0k\r\nX: y"));
    assertThrows(GantryException.class, () -> auth.prepare(split));
  }

  @Test
  void aMirrorGetsNoTokenOfTheRegistry() {
    Challenge own = challenge(request(null));
    answered(auth, own);
    var mirrored =
        new RegistryRequest(
            "one",
            "registry.example",
            false,
            "GET",
            "https://mirror.example/v2/x/manifests/1",
            List.of("repository:x:pull"),
            null);
    assertEquals(1, answered(auth, challenge(mirrored)).calls().size());
  }

  @Test
  void notMoreThanAThousandTokensAreKept() {
    for (int i = 0; i < TokenCache.MOST + 10; i++) {
      answered(auth, challenge(request("r" + i + ".example", false, "", null)));
    }
    assertEquals("1000", auth.status().get("Tokens"));
    assertEquals(
        1, answered(auth, challenge(request("r0.example", false, "", null))).calls().size());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "401 | {\"details\":\"incorrect username or password\"}"
            + " | UNAUTHORIZED | unauthorized: incorrect username or password",
        "401 | {\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"no such user\"}]}"
            + " | UNAUTHORIZED | unauthorized: no such user",
        "400 | {\"error\":\"invalid_grant\"} | UNAUTHORIZED | unauthorized: invalid_grant",
        "401 | <html> | UNAUTHORIZED | unauthorized: authentication required",
        "403 | {\"details\":\"no way\"} | UNAUTHORIZED | denied: no way",
        "429 | {} | EXHAUSTED | GET https://auth.example/token: status 429",
        "503 | {\"details\":\"later\"} | UNAVAILABLE | GET https://auth.example/token: status 503: later",
        "302 | '' | UNAVAILABLE | GET https://auth.example/token: status 302",
        "200 | {} | UNAVAILABLE | authorization server did not include a token in the response",
        "200 | {\"token\":\"a b\"} | UNAUTHORIZED | a token holds what no header may hold",
      })
  void whatIsNoTokenIsSaid(int status, String body, Kind kind, String sentence) {
    Challenge challenge = challenge(request(ALICE));
    AuthResult result = says(call(challenge), status, body);
    var e = assertThrows(GantryException.class, () -> auth.answer(challenge, result));
    assertEquals(sentence, e.getMessage());
    assertEquals(kind, e.kind());
  }

  @Test
  void aChallengeWithoutARealmIsRefused() {
    var challenge = new Challenge(request(null), "bearer", Map.of("service", "x"), Map.of());
    var e = assertThrows(GantryException.class, () -> auth.answer(challenge, null));
    assertEquals("no realm specified for token auth challenge", e.getMessage());
  }
}
