package io.gantry.auth.token;

import static io.gantry.spi.GantryException.Kind.UNAUTHORIZED;

import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Support;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthCall;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Has the token service that a registry names give a token for what is asked for: by GET, or by
 * OAuth2's POST with a refresh token. Tokens are kept until shortly before they expire.
 */
@Component(name = "io.gantry.auth.token", property = Driver.NAME + "=token")
public final class TokenAuth implements RegistryAuthProvider {

  private static final String HEADER = "Authorization";

  /** What services say that give tokens by the other way only. */
  private static final Set<Integer> OTHER_WAY = Set.of(404, 405, 501);

  private final TokenCache cache;
  private final LongAdder asked = new LongAdder();
  private final LongAdder reused = new LongAdder();

  @Activate
  public TokenAuth() {
    this(InstantSource.system());
  }

  TokenAuth(InstantSource clock) {
    this.cache = new TokenCache(clock);
  }

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Map<String, String> status() {
    Map<String, String> status = new LinkedHashMap<>();
    status.put("Tokens", Integer.toString(cache.size()));
    status.put("Asked for", Long.toString(asked.sum()));
    status.put("Used again", Long.toString(reused.sum()));
    return status;
  }

  /** A token that the client brings is sent as it is. */
  @Override
  public Map<String, String> prepare(RegistryRequest request) {
    Credentials credentials = request.credentials();
    return credentials == null || credentials.registryToken().isEmpty()
        ? Map.of()
        : bearer(TokenAnswer.checked(credentials.registryToken()));
  }

  @Override
  public AuthAnswer answer(Challenge challenge, @Nullable AuthResult result) {
    Credentials credentials = challenge.request().credentials();
    boolean bringsToken = credentials != null && !credentials.registryToken().isEmpty();
    if (!challenge.scheme().equals("bearer") || bringsToken) {
      return AuthAnswer.NONE;
    }
    TokenRequest wanted = TokenRequest.of(challenge);
    return result == null ? begin(challenge, wanted) : goOn(challenge, wanted, result);
  }

  private AuthAnswer begin(Challenge challenge, TokenRequest wanted) {
    if (!challenge.request().isLogin()) {
      String known = cache.find(wanted.key());
      if (known != null && !bearer(known).equals(challenge.refused())) {
        reused.increment();
        return AuthAnswer.headers(bearer(known));
      }
    }
    asked.increment();
    return AuthAnswer.ask(wanted.hasRefreshToken() ? wanted.post() : wanted.get());
  }

  private AuthAnswer goOn(Challenge challenge, TokenRequest wanted, AuthResult result) {
    AuthCall call = result.call();
    if (OTHER_WAY.contains(result.status())
        && call.method().equals("GET")
        && wanted.hasPassword()) {
      return AuthAnswer.ask(wanted.post());
    }
    if (result.status() != 200) {
      throw TokenAnswer.refusal(result);
    }
    TokenAnswer given = TokenAnswer.parse(result);
    if (bearer(given.token()).equals(challenge.refused())) {
      return AuthAnswer.NONE; // another one is not to be had
    }
    boolean isLogin = challenge.request().isLogin();
    if (!isLogin) {
      cache.put(wanted.key(), given.token(), given.lifetime());
    }
    return new AuthAnswer(bearer(given.token()), null, isLogin ? given.refreshToken() : "");
  }

  private static Map<String, String> bearer(String token) {
    return Map.of(HEADER, "Bearer " + token);
  }

  @Override
  public void forget(String registry) {
    cache.forget(registry);
  }

  static GantryException unauthorized(String sentence) {
    return new GantryException(UNAUTHORIZED, sentence);
  }
}
