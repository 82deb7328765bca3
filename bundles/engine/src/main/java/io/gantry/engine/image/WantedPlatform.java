package io.gantry.engine.image;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.image.ImageConfig;
import io.gantry.image.manifest.Platform;
import io.gantry.spi.GantryException;

/**
 * The platform that a client wants an image for. Empty parts are any.
 *
 * @param variant of the architecture
 */
record WantedPlatform(String os, String architecture, String variant) {
  /**
   * @param text {@code os[/architecture[/variant]]}, an architecture alone, or empty for any
   * @throws GantryException INVALID
   */
  static WantedPlatform parse(String text) {
    var wanted = Platform.parse(text);
    return new WantedPlatform(wanted.os(), wanted.architecture(), wanted.variant());
  }

  /**
   * @param reference of the image, for the message
   * @throws GantryException NOT_FOUND when the image is for another one
   */
  void check(String reference, ImageConfig image) {
    boolean fits =
        (os.isEmpty() || os.equals(image.os()))
            && (architecture.isEmpty() || architecture.equals(image.architecture()))
            && (variant.isEmpty() || variant.equals(image.variant()));
    if (!fits) {
      throw new GantryException(
          NOT_FOUND,
          "image with reference "
              + reference
              + " was found but its platform ("
              + slashed(image.os(), image.architecture(), image.variant())
              + ") does not match the specified platform ("
              + slashed(os, architecture, variant)
              + ")");
    }
  }

  private static String slashed(String os, String architecture, String variant) {
    return os
        + (architecture.isEmpty() ? "" : "/" + architecture)
        + (variant.isEmpty() ? "" : "/" + variant);
  }
}
