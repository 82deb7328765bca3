package io.gantry.image.layer;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;

/**
 * What the tar of a layer has to be.
 *
 * @param diff its digest
 * @param number of the layer in its image, from 0
 * @param known whether what is handed in has been found to be just this tar, uncompressed
 */
public record Wanted(Digest diff, int number, boolean known) {

  /**
   * @throws GantryException INVALID, with Docker's sentence, for another digest
   */
  void check(Digest actual) {
    if (!actual.equals(diff)) {
      throw new GantryException(
          Kind.INVALID,
          "invalid diffID for layer %d: expected \"%s\", got \"%s\""
              .formatted(number, diff, actual));
    }
  }
}
