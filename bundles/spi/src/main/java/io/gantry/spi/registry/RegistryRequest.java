package io.gantry.spi.registry;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request to a registry.
 *
 * @param scopes as the distribution specification writes them ({@code
 *     repository:library/busybox:pull})
 * @param credentials what the user gave for this host, or null
 */
public record RegistryRequest(
    String method, String uri, List<String> scopes, @Nullable Credentials credentials) {

  public RegistryRequest {
    scopes = List.copyOf(scopes);
  }

  /**
   * What a user logged in with; {@code identityToken} is empty unless the registry gave one. Never
   * logged.
   */
  public record Credentials(String username, String password, String identityToken) {

    @Override
    public String toString() {
      return "credentials of " + username;
    }
  }
}
