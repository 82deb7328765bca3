package io.gantry.jmx.remote;

import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a user may do. Each may what those before it may. */
enum Role {
  /** Reads of {@code io.gantry:*} and {@code java.lang:*}. */
  VIEW,
  /** Also the operations of {@code io.gantry:*} that are marked for it. */
  OPERATE,
  /** Everything: root on this host. */
  ADMIN;

  static Optional<Role> of(@Nullable Object text) {
    for (Role role : values()) {
      if (role.toString().equals(text)) {
        return Optional.of(role);
      }
    }
    return Optional.empty();
  }

  boolean includes(Role other) {
    return compareTo(other) >= 0;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
