package io.gantry.spi.registry;

import java.util.List;
import java.util.Map;

/**
 * The answer to an {@link AuthCall}.
 *
 * @param call that it is an answer to, maybe one that another instance of the provider asked for
 * @param headers names in lower case
 * @param body at most 1 MiB, UTF-8
 */
public record AuthResult(
    AuthCall call, int status, Map<String, List<String>> headers, String body) {

  public AuthResult {
    headers = Map.copyOf(headers);
  }

  /** The body may be a token. */
  @Override
  public String toString() {
    return call + ": status " + status;
  }
}
