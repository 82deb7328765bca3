package io.gantry.spi.registry;

import java.util.Map;

/**
 * One challenge of a 401 (RFC 9110, 11.3).
 *
 * @param scheme lower case
 * @param parameters names in lower case
 * @param refused the headers of the answer that the registry has refused by it, empty when it was
 *     sent none: what was refused is not to be given again
 */
public record Challenge(
    RegistryRequest request,
    String scheme,
    Map<String, String> parameters,
    Map<String, String> refused) {

  public Challenge {
    parameters = Map.copyOf(parameters);
    refused = Map.copyOf(refused);
  }

  /** Headers are secrets. */
  @Override
  public String toString() {
    return scheme + parameters + (refused.isEmpty() ? "" : ", refused " + refused.keySet());
  }
}
