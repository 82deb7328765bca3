package io.gantry.auth.token;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Tokens until shortly before they expire; of too many, those go that were used longest ago. */
final class TokenCache {

  static final int MOST = 1000;

  /** So long before its end a token is not used any more: a request takes a while. */
  private static final Duration MARGIN = Duration.ofSeconds(10);

  /**
   * Who may use a token, and for what.
   *
   * @param proof of the credentials that it was given to
   */
  record Key(
      String registry,
      String origin,
      String realm,
      String service,
      List<String> scopes,
      String proof) {

    Key {
      scopes = List.copyOf(scopes);
    }
  }

  private record Token(String text, Instant end) {}

  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Key, Token> tokens = new LinkedHashMap<>(16, 0.75f, true); // guarded by lock

  TokenCache(InstantSource clock) {
    this.clock = clock;
  }

  @Nullable String find(Key key) {
    lock.lock();
    try {
      Token token = tokens.get(key);
      if (token != null && !clock.instant().isBefore(token.end())) {
        tokens.remove(key);
        return null;
      }
      return token == null ? null : token.text();
    } finally {
      lock.unlock();
    }
  }

  void put(Key key, String token, Duration lifetime) {
    lock.lock();
    try {
      tokens.put(key, new Token(token, clock.instant().plus(lifetime).minus(MARGIN)));
      if (tokens.size() > MOST) {
        tokens.remove(tokens.keySet().iterator().next());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Those of one registry; all when empty. */
  void forget(String registry) {
    lock.lock();
    try {
      tokens.keySet().removeIf(key -> registry.isEmpty() || key.registry().equals(registry));
    } finally {
      lock.unlock();
    }
  }

  int size() {
    lock.lock();
    try {
      return tokens.size();
    } finally {
      lock.unlock();
    }
  }
}
