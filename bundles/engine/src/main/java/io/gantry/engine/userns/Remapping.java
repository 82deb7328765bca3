package io.gantry.engine.userns;

import io.gantry.linux.UserMaps;
import org.jspecify.annotations.Nullable;

/** Whose users those of containers are that say nothing of it. */
@FunctionalInterface
public interface Remapping {

  /** Their own: those of the host. */
  Remapping NONE = () -> null;

  /**
   * Null: they are those of the host.
   *
   * @throws io.gantry.spi.GantryException UNAVAILABLE when they are to be others and that cannot be
   */
  @Nullable UserMaps maps();
}
