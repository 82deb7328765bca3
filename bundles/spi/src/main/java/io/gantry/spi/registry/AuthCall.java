package io.gantry.spi.registry;

import java.util.Map;

/**
 * A request that the engine makes for a provider, without following redirects. The engine refuses
 * it when the place is one that a registry may not send credentials to.
 *
 * @param method {@code GET} or {@code POST}
 * @param uri absolute, http or https, with its query
 * @param headers those that are more than the engine's own; secrets
 * @param body form-encoded, or empty
 */
public record AuthCall(String method, String uri, Map<String, String> headers, String body) {

  public AuthCall {
    headers = Map.copyOf(headers);
  }

  /** The query may say who asks. */
  @Override
  public String toString() {
    return method + " " + uri.replaceFirst("\\?.*", "");
  }
}
