package io.gantry.engine.driver;

import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;

/**
 * Tells a driver that takes over what it is expected to find. One service per kind, with the
 * property {@link io.gantry.api.Leased#KIND}, registered by the owner of the kind's records; no
 * driver of an owned kind serves before its owner is there.
 *
 * @param <D> SPI interface of the kind
 */
public interface TakeOver<D extends Driver> {

  /**
   * Calls the driver's {@code recover} with what the records name for it, and takes note of what is
   * lost. Runs on a thread of the registry, under the recover time limit, before the driver gets
   * its first call and after its predecessor got the last; an interrupt means that time is up. The
   * thread may use the driver through its {@link io.gantry.api.Leased} as well.
   */
  Recovery recover(String name, D driver);
}
