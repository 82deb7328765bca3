package io.gantry.auth.v1;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import io.gantry.spi.testkit.RegistryAuthProviderContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class V1AuthTest extends RegistryAuthProviderContract {

  private static final Credentials USER = Credentials.password("alice", "secret");
  private static final String INDEX = "https://index.example/v1/repositories/a/b/images";
  private static final String TAGS = "https://registry.example/v1/repositories/a/b/tags";

  private final V1Auth auth = new V1Auth();

  @Override
  protected RegistryAuthProvider provider() {
    return new V1Auth();
  }

  @Override
  protected String scheme() {
    return "";
  }

  @Override
  protected boolean learns() {
    return true;
  }

  @Test
  void whatItHasLearntIsNotTold() {
    grant(List.of("signature=known"), List.of("registry.example"));
    assertTrue(auth.prepare(request(TAGS)).toString().contains("signature=known"));
    assertFalse((auth + " " + auth.status() + " " + auth.features()).contains("known"));
  }

  private static RegistryRequest request(String operation, String uri, @Nullable Credentials who) {
    return new RegistryRequest(operation, "index.example", false, "GET", uri, List.of(), who);
  }

  private static RegistryRequest request(String uri) {
    return request("one", uri, null);
  }

  private void grant(List<String> tokens, List<String> endpoints) {
    auth.learn(request(INDEX), Map.of("x-docker-token", tokens, "x-docker-endpoints", endpoints));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        INDEX,
        "https://index.example/v1/repositories/a/b/",
        "https://index.example/v1/repositories/x/auth",
        "https://index.example/under/v1/users/",
        "https://index.example/v1/search?q=x"
      })
  void anIndexIsAskedForTokensByWhoeverTheUserIs(String uri) {
    assertEquals(Map.of("X-Docker-Token", "true"), auth.prepare(request(uri)));
    assertEquals(
        Map.of("X-Docker-Token", "true", "Authorization", "Basic YWxpY2U6c2VjcmV0"),
        auth.prepare(request("one", uri, USER)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://index.example/v2/a/b/manifests/1",
        "https://index.example/v2/a/v1/b/manifests/1",
        "https://index.example/under/v2/v1/repositories/manifests/1"
      })
  void anotherVersionIsNotItsBusiness(String uri) {
    assertEquals(Map.of(), auth.prepare(request("one", uri, USER)));
    auth.learn(request(uri), Map.of("x-docker-token", List.of("t"), "set-cookie", List.of("a=b")));
    assertEquals(Map.of(), auth.prepare(request(TAGS)));
  }

  @Test
  void aRegistryWithoutAnIndexGetsTheUser() {
    assertEquals(
        Map.of("Authorization", "Basic YWxpY2U6c2VjcmV0"),
        auth.prepare(request("one", TAGS, USER)));
  }

  @Test
  void tokensAreForTheEndpointsOfTheirAnswerAndTheirOperation() {
    grant(
        List.of("Token signature=1,access=read", "signature=2"),
        List.of("first.example:5000, REGISTRY.example", "third.example"));
    String expected = "Token signature=1,access=read,signature=2";
    for (String uri :
        List.of(
            TAGS,
            "https://registry.example:443/v1/images/1/json",
            "https://first.example:5000/v1/images/1/json",
            "https://third.example/v1/images/1/json",
            "https://index.example/v1/images/1/json")) {
      assertEquals(expected, auth.prepare(request(uri)).get("Authorization"), uri);
    }
    for (String uri :
        List.of(
            "http://registry.example/v1/images/1/json",
            "https://registry.example:444/v1/images/1/json",
            "https://other.example/v1/images/1/json")) {
      assertNull(auth.prepare(request(uri)).get("Authorization"), uri);
    }
    assertEquals(Map.of(), auth.prepare(request("two", TAGS, null)));
    auth.end("one");
    assertEquals(Map.of(), auth.prepare(request(TAGS)));
  }

  @Test
  void theLastTokensCount() {
    grant(List.of("1"), List.of("registry.example"));
    grant(List.of(), List.of("other.example"));
    grant(List.of("2"), List.of("registry.example"));
    assertEquals("Token 2", auth.prepare(request(TAGS)).get("Authorization"));
  }

  @Test
  void aRegistryGivesNoTokens() {
    auth.learn(
        request(TAGS),
        Map.of("x-docker-token", List.of("t"), "x-docker-endpoints", List.of("registry.example")));
    assertEquals(Map.of(), auth.prepare(request(TAGS)));
  }

  @Test
  void cookiesGoBackToTheirHost() {
    auth.learn(
        request(TAGS),
        Map.of(
            "set-cookie",
            List.of("session=\"a b\"; Path=/; HttpOnly", "x=1; Domain=index.example", "broken")));
    assertEquals("session=\"a b\"; x=1", auth.prepare(request(TAGS)).get("Cookie"));
    assertNull(auth.prepare(request(INDEX)).get("Cookie"));
    auth.forget("index.example");
    assertEquals(Map.of(), auth.prepare(request(TAGS)));
  }

  @Test
  void whatIsGivenHasAnEnd() {
    List<String> many = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      many.add("c" + i + "=" + "x".repeat(i * 10));
    }
    auth.learn(request(INDEX), Map.of("set-cookie", many, "x-docker-token", many));
    var headers = auth.prepare(request("https://index.example/v1/images/1/json"));
    assertFalse(headers.get("Cookie").length() > 100_000);
    assertFalse(headers.get("Authorization").length() > 100_000);
    for (int i = 0; i < 3000; i++) {
      auth.learn(request("op" + i, INDEX, null), Map.of("set-cookie", List.of("a=b")));
    }
    assertEquals(Map.of("Operations", "1000"), auth.status());
  }
}
