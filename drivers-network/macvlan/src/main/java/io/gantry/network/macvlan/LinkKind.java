package io.gantry.network.macvlan;

import java.util.Locale;

/** Which of the kernel's ways containers come onto the host's network by. */
enum LinkKind {
  /** Each has a hardware address of its own. */
  MACVLAN,
  /** All have that of the host's interface. */
  IPVLAN;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
