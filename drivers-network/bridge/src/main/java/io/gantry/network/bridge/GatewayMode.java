package io.gantry.network.bridge;

import java.util.Locale;

/** How a network of one family is joined to the world, by Docker's names. */
enum GatewayMode {
  /** Out under the host's address; in by published ports only. */
  NAT,
  /** As nat, but in by any port, for whoever has a route. */
  NAT_UNPROTECTED,
  /** In and out under the containers' own addresses; in by published ports only. */
  ROUTED,
  /** The host itself has no address in it. */
  ISOLATED;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  boolean masquerades() {
    return this == NAT || this == NAT_UNPROTECTED;
  }
}
