package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;

/** The cause of a failure that a registry has said itself. */
public final class RegistryError extends Exception {
  private static final long serialVersionUID = 1;

  RegistryError(String code) {
    super(code);
  }

  /**
   * As in the distribution specification ({@code MANIFEST_UNKNOWN}).
   *
   * @return empty when the registry has not said it with a code
   */
  public static String code(GantryException e) {
    return e.getCause() instanceof RegistryError error && error.getMessage() != null
        ? error.getMessage()
        : "";
  }
}
