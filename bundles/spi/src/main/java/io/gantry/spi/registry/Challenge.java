package io.gantry.spi.registry;

import java.util.Map;

/**
 * One challenge of a 401 (RFC 9110, 11.3).
 *
 * @param scheme lower case
 * @param parameters names in lower case
 */
public record Challenge(RegistryRequest request, String scheme, Map<String, String> parameters) {

  public Challenge {
    parameters = Map.copyOf(parameters);
  }
}
