package io.gantry.spi.registry;

import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Proves to a registry who the engine or its user is. Keeps at most a cache that may be lost at any
 * time.
 */
@ConsumerType
public interface RegistryAuthProvider extends Driver {

  /** Client certificates to offer a host, in the order to try; none by default. */
  default List<TlsIdentity> identities(String host) {
    return List.of();
  }

  /** Headers to send with a request before anybody asked. */
  default Map<String, String> prepare(RegistryRequest request) {
    return Map.of();
  }

  /**
   * Answers a 401.
   *
   * @return headers for the next attempt, or null when this provider has no answer
   */
  @Nullable Map<String, String> answer(Challenge challenge);

  /** Learns from a success: index tokens and cookies of registry v1 come with 200s. */
  default void learn(RegistryRequest request, Map<String, List<String>> responseHeaders) {}

  /** Drops whatever is cached for a host; for all when empty. */
  void forget(String host);

  /** Nothing lives in the kernel: there is nothing to find again. */
  default Recovery recover() {
    return new Recovery(Set.of(), Set.of());
  }
}
