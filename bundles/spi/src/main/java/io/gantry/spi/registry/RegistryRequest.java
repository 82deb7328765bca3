package io.gantry.spi.registry;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request to a registry.
 *
 * @param operation of which it is a part; equal for all requests of one pull, push, login or search
 * @param registry as references name it ({@code docker.io}, {@code localhost:5000}); {@code uri}
 *     may lead to a mirror of it
 * @param isLogin whether a token that outlives the operation is wanted ({@link
 *     AuthAnswer#identityToken})
 * @param scopes as the distribution specification writes them ({@code
 *     repository:library/busybox:pull})
 * @param credentials what the user gave for this registry, or null; null as well for a host that
 *     they are not for
 */
public record RegistryRequest(
    String operation,
    String registry,
    boolean isLogin,
    String method,
    String uri,
    List<String> scopes,
    @Nullable Credentials credentials) {

  public RegistryRequest {
    scopes = List.copyOf(scopes);
  }
}
