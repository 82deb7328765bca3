package io.gantry.spi;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Where a long call tells how far it is. Valid until the call returns; calls only enqueue and never
 * block.
 */
@ProviderType
public interface Progress {

  /**
   * @param step what is being done, for people
   * @param done units done so far
   * @param total units in all, or -1 when unknown
   */
  void at(String step, long done, long total);
}
