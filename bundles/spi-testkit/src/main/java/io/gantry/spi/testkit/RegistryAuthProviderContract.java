package io.gantry.spi.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthCall;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What every registry auth provider keeps to: it says who asks to nobody but whom it is for, tells
 * nothing secret, and an instance that has just begun gives the same answers as one that has cached
 * for long.
 */
@Timeout(60)
public abstract class RegistryAuthProviderContract {

  /** Part of whatever is secret in a test. */
  protected static final String SECRET = "s3cr3t";

  protected static final Credentials ALICE = Credentials.password("alice", SECRET + "-a");
  protected static final Credentials BOB = Credentials.password("bob", SECRET + "-b");
  private static final int MOST_CALLS = 5;

  /** A fresh instance; all of a test are configured alike. */
  protected abstract RegistryAuthProvider provider();

  /** The scheme that it answers, or empty when it answers none. */
  protected abstract String scheme();

  /**
   * A registry that it knows something secret of by itself, with {@link #SECRET} in it. One that
   * answers no scheme, and does not learn, has to name one; empty for a provider that only passes
   * on what it is given.
   */
  protected String known() {
    return "";
  }

  /** Whether all that it hands out comes from users and from answers that it has seen. */
  protected boolean learns() {
    return false;
  }

  /** Of a challenge of its scheme. */
  protected Map<String, String> parameters() {
    return Map.of();
  }

  /**
   * What the other end says to a call, always the same to the same: whoever may get something gets
   * it, with {@link #SECRET} in it and different for each who asks and what for.
   */
  protected AuthResult result(AuthCall call) {
    throw new AssertionError("it asks for " + call);
  }

  protected static RegistryRequest request(
      String registry, boolean isLogin, String scope, @Nullable Credentials credentials) {
    return new RegistryRequest(
        "one",
        registry,
        isLogin,
        "GET",
        "https://" + registry + "/v2/x/manifests/1",
        scope.isEmpty() ? List.of() : List.of(scope),
        credentials);
  }

  protected static RegistryRequest request(@Nullable Credentials credentials) {
    return request("registry.example", false, "repository:x:pull", credentials);
  }

  /** Its challenge to a request, sent without any proof. */
  protected final Challenge challenge(RegistryRequest request) {
    return new Challenge(request, scheme(), parameters(), Map.of());
  }

  /**
   * What came of a challenge.
   *
   * @param headers none when it has no answer
   */
  protected record Outcome(
      Map<String, String> headers, String identityToken, List<AuthCall> calls) {}

  /** Has a challenge answered, with all the calls that it takes. */
  protected final Outcome answered(RegistryAuthProvider provider, Challenge challenge) {
    List<AuthCall> calls = new ArrayList<>();
    AuthAnswer answer = provider.answer(challenge, null);
    for (AuthCall call = answer.call(); call != null; call = answer.call()) {
      assertTrue(calls.size() < MOST_CALLS, "too many calls: " + calls);
      calls.add(call);
      answer = provider.answer(challenge, result(call));
    }
    return new Outcome(answer.headers(), answer.identityToken(), calls);
  }

  /** All that may differ between two requests. */
  private static List<RegistryRequest> requests() {
    List<RegistryRequest> requests = new ArrayList<>();
    for (String registry : List.of("registry.example", "other.example:5000")) {
      for (String scope : List.of("repository:x:pull", "repository:x:pull,push", "")) {
        for (Credentials user : new @Nullable Credentials[] {null, ALICE, BOB}) {
          requests.add(request(registry, false, scope, user));
          requests.add(request(registry, true, scope, user));
        }
      }
    }
    return requests;
  }

  @Test
  void itWorksHereAndFindsNothingAgain() {
    RegistryAuthProvider provider = provider();
    assertTrue(provider.probe().available());
    assertEquals(Set.of(), provider.recover().alive());
  }

  @Test
  void ofWhatItDoesNotKnowItSaysNothing() {
    RegistryAuthProvider provider = provider();
    assertNull(provider.credentials("nosuch.example"));
    assertEquals(HostTls.NONE, provider.tls("nosuch.example"));
    for (String host :
        List.of("", ".", "..", "../..", "a/b", "[::1]:5000", "x:y:z", "\n", "a\0b")) {
      assertEquals(HostTls.NONE, provider.tls(host), host);
      assertNull(provider.credentials(host), host);
    }
    provider.learn(request(null), Map.of("set-cookie", List.of("x=y"), "x-unknown", List.of()));
    provider.end("no-such-operation");
    provider.forget("nosuch.example");
  }

  @Test
  void itAnswersItsOwnSchemeOnly() {
    RegistryAuthProvider provider = provider();
    for (String scheme : List.of("basic", "bearer", "token", "digest", "negotiate", "ntlm", "")) {
      if (!scheme.equals(scheme())) {
        var challenge = new Challenge(request(ALICE), scheme, parameters(), Map.of());
        assertEquals(AuthAnswer.NONE, provider.answer(challenge, null), scheme);
      }
    }
  }

  @Test
  void whoBringsNothingIsGivenNothingOfOthers() {
    RegistryAuthProvider provider = provider();
    answered(provider, challenge(request(ALICE)));
    provider.learn(request(ALICE), Map.of("x-docker-token", List.of(SECRET)));
    for (String registry : List.of("registry.example", "nosuch.example", "docker.io")) {
      for (String scope : List.of("", "repository:x:pull")) {
        var request = request(registry, false, scope, null);
        assertEquals(Map.of(), provider.prepare(request), registry);
      }
    }
  }

  @Test
  void whatWasRefusedIsNotGivenAgain() {
    RegistryAuthProvider provider = provider();
    Challenge first = challenge(request(ALICE));
    for (boolean isNew : new boolean[] {false, true}) {
      Outcome given = answered(provider, first);
      if (given.headers().isEmpty()) {
        return;
      }
      var again = new Challenge(first.request(), scheme(), parameters(), given.headers());
      Outcome next = answered(isNew ? provider() : provider, again);
      assertTrue(
          next.headers().isEmpty() || !next.calls().isEmpty(),
          "it gives what was refused, and has asked nobody for it");
    }
  }

  /** So no two who ask, nothing that is asked for and no two registries share what is cached. */
  @Test
  void anInstanceThatHasCachedAnswersAsAFreshOne() {
    RegistryAuthProvider old = provider();
    for (int turn = 0; turn < 2; turn++) {
      for (RegistryRequest request : requests()) {
        assertSame(answered(provider(), challenge(request)), answered(old, challenge(request)));
        assertEquals(provider().prepare(request), old.prepare(request));
      }
    }
  }

  private static void assertSame(Outcome fresh, Outcome old) {
    assertEquals(fresh.headers(), old.headers());
    assertEquals(fresh.identityToken(), old.identityToken());
    assertTrue(old.calls().isEmpty() || old.calls().equals(fresh.calls()), "others are asked");
  }

  @Test
  void aLoginIsNeverAnsweredFromTheCache() {
    RegistryAuthProvider provider = provider();
    Challenge login = challenge(request("registry.example", true, "", ALICE));
    int calls = answered(provider, login).calls().size();
    assertEquals(calls, answered(provider, login).calls().size());
  }

  @Test
  void whatIsForgottenIsAskedForAgain() {
    for (String forgotten : List.of("registry.example", "")) {
      RegistryAuthProvider provider = provider();
      Challenge challenge = challenge(request(ALICE));
      Outcome first = answered(provider, challenge);
      provider.forget(forgotten);
      assertEquals(first.calls(), answered(provider, challenge).calls());
    }
  }

  @Test
  void anotherInstanceGoesOnWithAResult() {
    for (RegistryRequest request : requests()) {
      Challenge challenge = challenge(request);
      Outcome whole = answered(provider(), challenge);
      AuthAnswer answer = provider().answer(challenge, null);
      for (AuthCall call = answer.call(); call != null; call = answer.call()) {
        answer = provider().answer(challenge, result(call));
      }
      assertEquals(whole.headers(), answer.headers());
    }
  }

  @Test
  void manyMayAskAtOnce() throws Exception {
    RegistryAuthProvider provider = provider();
    List<RegistryRequest> requests = requests();
    List<Outcome> expected =
        requests.stream().map(request -> answered(provider(), challenge(request))).toList();
    var threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<?>> work = new ArrayList<>();
      for (int i = 0; i < 800; i++) {
        int at = i % requests.size();
        boolean forgets = i % 50 == 0;
        Callable<@Nullable Void> one =
            () -> {
              if (forgets) {
                provider.forget("");
              }
              assertSame(expected.get(at), answered(provider, challenge(requests.get(at))));
              provider.status();
              return null;
            };
        work.add(threads.submit(one));
      }
      for (Future<?> one : work) {
        one.get(30, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void whatIsToldHoldsNothingSecret() {
    RegistryAuthProvider provider = provider();
    for (RegistryRequest request : requests()) {
      Challenge challenge = challenge(request);
      Outcome outcome = answered(provider, challenge);
      var refused = new Challenge(request, scheme(), parameters(), outcome.headers());
      assertTellsNothing(List.of(outcome.calls(), challenge, refused, request));
      assertTellsNothing(new AuthAnswer(outcome.headers(), null, outcome.identityToken()));
      outcome.calls().forEach(call -> assertTellsNothing(result(call)));
    }
    assertTellsNothing(List.of(provider, provider.status(), provider.features()));
  }

  @Test
  void whatItKnowsByItselfIsHandedOutAndNotTold() {
    if (known().isEmpty()) {
      assertTrue(!scheme().isEmpty() || learns(), "it has to know something of a registry");
      return;
    }
    RegistryAuthProvider provider = provider();
    Credentials credentials = provider.credentials(known());
    HostTls tls = provider.tls(known());
    var request = request(known(), false, "repository:x:pull", null);
    Map<String, String> headers = provider.prepare(request);
    boolean isSecret =
        (credentials != null && credentials.password().contains(SECRET))
            || tls.identities().stream().anyMatch(identity -> identity.key().contains(SECRET))
            || !headers.isEmpty();
    assertTrue(isSecret, "it hands out nothing secret for " + known());
    assertTellsNothing(List.of(String.valueOf(credentials), tls, headers.keySet()));
    provider.learn(request, Map.of("x-unknown", List.of("y")));
    provider.forget(known());
    assertTellsNothing(List.of(provider, provider.status(), provider.features()));
  }

  /** Whatever is answered with an error, or is no answer at all. */
  @Test
  void aFailureTellsNothingSecretAndIsForTheUser() {
    RegistryAuthProvider provider = provider();
    for (RegistryRequest request : requests()) {
      Challenge challenge = challenge(request);
      AuthCall call = provider.answer(challenge, null).call();
      if (call == null) {
        continue;
      }
      for (int status : List.of(200, 204, 302, 400, 401, 403, 404, 405, 429, 500, 503)) {
        for (String body : List.of("", "{", "{}", "[]", "null", "{\"token\":1}", SECRET)) {
          try {
            AuthAnswer answer =
                provider.answer(challenge, new AuthResult(call, status, Map.of(), body));
            assertTellsNothing(answer);
          } catch (GantryException e) {
            for (Throwable at = e; at != null; at = at.getCause()) {
              assertTellsNothing(at);
            }
          }
        }
      }
    }
    assertNotEquals("", provider.toString());
  }

  private static void assertTellsNothing(Object told) {
    String text = told.toString();
    assertFalse(text.contains(SECRET), () -> text);
  }
}
