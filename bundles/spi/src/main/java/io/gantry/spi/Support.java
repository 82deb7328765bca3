package io.gantry.spi;

/**
 * Whether a driver works on this host.
 *
 * @param reason why not, in words an operator can act on; empty when available
 */
public record Support(boolean available, String reason) {

  public static Support yes() {
    return new Support(true, "");
  }

  public static Support no(String reason) {
    return new Support(false, reason);
  }
}
