package io.gantry.spi.registry;

import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Proves to a registry who the engine or its user is. It sends nothing itself: what has to be asked
 * on the way, of a token service say, it hands out as an {@link AuthCall}, which the engine makes
 * under its rules for strangers (limits, redirects, realms, proxies, trust). Keeps at most a cache
 * that may be lost at any time; calls come on many threads.
 */
@ConsumerType
public interface RegistryAuthProvider extends Driver {

  /**
   * What a host is trusted by, and the client certificates to show it. Asked for again for each
   * operation, so a change shows at once.
   *
   * @param host as references name it, with its port if it has one
   * @throws io.gantry.spi.GantryException INVALID when what an operator put down for the host
   *     cannot be used; the sentence names the file
   */
  default HostTls tls(String host) {
    return HostTls.NONE;
  }

  /**
   * What to log in with when the client brought nothing.
   *
   * @param registry as {@link RegistryRequest#registry}
   * @return null when it knows nothing of the registry
   */
  default @Nullable Credentials credentials(String registry) {
    return null;
  }

  /**
   * Headers to send with a request before anybody asked. They may prove who the engine is where
   * {@link RegistryRequest#credentials} are null only to a registry that they were put down for.
   */
  default Map<String, String> prepare(RegistryRequest request) {
    return Map.of();
  }

  /**
   * Answers a 401. What a provider needs of its last answer is in {@code result}: another instance
   * may have given it.
   *
   * @param result of the call that the last answer to this challenge asked for; null at first
   * @throws io.gantry.spi.GantryException UNAUTHORIZED when whoever was asked on the way refuses;
   *     the sentence is for the user
   */
  default AuthAnswer answer(Challenge challenge, @Nullable AuthResult result) {
    return AuthAnswer.NONE;
  }

  /**
   * Learns from an answer that is no refusal: index tokens and cookies of registry v1 come with
   * 200s, and cookies with 404s, too.
   */
  default void learn(RegistryRequest request, Map<String, List<String>> responseHeaders) {}

  /** An operation is over: what was kept for it alone can go. */
  default void end(String operation) {}

  /** Drops whatever is cached for a registry; for all when empty. */
  default void forget(String registry) {}

  /** Nothing lives in the kernel: there is nothing to find again. */
  default Recovery recover() {
    return new Recovery(Set.of(), Set.of());
  }
}
