package io.gantry.auth.token;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.registry.AuthCall;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import java.net.URI;
import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A token that is wanted.
 *
 * @param origin scheme, host and port of whoever will get it: a mirror gets none of the registry
 * @param realm where the service is
 * @param service as the registry calls itself; empty when it does not say
 * @param scopes what it is wanted for, sorted
 */
record TokenRequest(
    String registry,
    String origin,
    String realm,
    String service,
    List<String> scopes,
    boolean isLogin,
    @Nullable Credentials credentials) {

  /** What services know of who asks; some keep refresh tokens by it. */
  private static final String CLIENT = "docker";

  private static final int MOST_SCOPES = 20;

  static TokenRequest of(Challenge challenge) {
    var request = challenge.request();
    String realm = challenge.parameters().getOrDefault("realm", "");
    if (realm.isEmpty()) {
      throw TokenAuth.unauthorized("no realm specified for token auth challenge");
    }
    URI uri = URI.create(request.uri());
    return new TokenRequest(
        request.registry(),
        uri.getScheme() + "://" + uri.getRawAuthority(),
        realm,
        challenge.parameters().getOrDefault("service", ""),
        scopes(challenge),
        request.isLogin(),
        request.credentials());
  }

  /** What the registry asks for counts where the client does not know, or knew too little. */
  private static List<String> scopes(Challenge challenge) {
    Set<String> scopes = new LinkedHashSet<>(challenge.request().scopes());
    boolean isMore = "insufficient_scope".equals(challenge.parameters().get("error"));
    if ((scopes.isEmpty() && !challenge.request().isLogin()) || isMore) {
      Arrays.stream(challenge.parameters().getOrDefault("scope", "").split(" "))
          .filter(scope -> !scope.isEmpty())
          .limit(MOST_SCOPES)
          .forEach(scopes::add);
    }
    return scopes.stream().sorted().toList();
  }

  TokenCache.Key key() {
    return new TokenCache.Key(registry, origin, realm, service, scopes, Proof.of(credentials));
  }

  boolean hasRefreshToken() {
    return credentials != null && !credentials.identityToken().isEmpty();
  }

  boolean hasPassword() {
    return credentials != null
        && !credentials.username().isEmpty()
        && !credentials.password().isEmpty();
  }

  /** As nobody, or with user name and password by Basic. */
  AuthCall get() {
    List<String> query = new ArrayList<>();
    if (!service.isEmpty()) {
      query.add(pair("service", service));
    }
    scopes.forEach(scope -> query.add(pair("scope", scope)));
    Credentials user = hasPassword() ? credentials : null;
    if (isLogin) {
      query.add("offline_token=true");
      query.add(pair("client_id", CLIENT));
    }
    if (user != null) {
      query.add(pair("account", user.username()));
    }
    String uri =
        realm + (query.isEmpty() ? "" : realm.contains("?") ? "&" : "?") + String.join("&", query);
    return new AuthCall("GET", uri, user == null ? Map.of() : basic(user), "");
  }

  private static Map<String, String> basic(Credentials user) {
    String pair = user.username() + ":" + user.password();
    return Map.of(
        "Authorization", "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(UTF_8)));
  }

  /** By OAuth2: with a refresh token, or with user name and password. */
  AuthCall post() {
    List<String> form = new ArrayList<>();
    if (credentials != null && hasRefreshToken()) {
      form.add("grant_type=refresh_token");
      form.add(pair("refresh_token", credentials.identityToken()));
    } else if (credentials != null) {
      form.add("grant_type=password");
      form.add(pair("username", credentials.username()));
      form.add(pair("password", credentials.password()));
    }
    form.add(pair("service", service));
    form.add(pair("client_id", CLIENT));
    if (isLogin) {
      form.add("access_type=offline");
    }
    if (!scopes.isEmpty()) {
      form.add(pair("scope", scopes.stream().collect(Collectors.joining(" "))));
    }
    return new AuthCall("POST", realm, Map.of(), String.join("&", form));
  }

  private static String pair(String name, String value) {
    return name + "=" + URLEncoder.encode(value, UTF_8);
  }
}
