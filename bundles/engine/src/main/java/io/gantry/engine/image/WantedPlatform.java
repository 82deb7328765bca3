package io.gantry.engine.image;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.image.ImageConfig;
import io.gantry.spi.GantryException;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The platform that a client wants an image for. Empty parts are any.
 *
 * @param variant of the architecture
 */
record WantedPlatform(String os, String architecture, String variant) {
  private static final Pattern PART = Pattern.compile("[a-z0-9_.-]{1,32}");
  private static final Map<String, String> ALIASES =
      Map.of("x86_64", "amd64", "x86-64", "amd64", "aarch64", "arm64", "i386", "386");

  /**
   * @param text {@code os[/architecture[/variant]]}, an architecture alone, or empty for any
   * @throws GantryException INVALID
   */
  static WantedPlatform parse(String text) {
    if (text.isEmpty()) {
      return new WantedPlatform("", "", "");
    }
    String[] parts = text.toLowerCase(Locale.ROOT).split("/", -1);
    boolean valid = parts.length <= 3;
    for (String part : parts) {
      valid &= PART.matcher(part).matches();
    }
    if (!valid) {
      throw new GantryException(
          INVALID, "invalid platform: it has to be os[/architecture[/variant]]");
    }
    if (parts.length == 1) {
      return parts[0].matches("linux|windows|darwin|freebsd")
          ? new WantedPlatform(parts[0], "", "")
          : new WantedPlatform("linux", architecture(parts[0]), "");
    }
    String architecture = architecture(parts[1]);
    String variant = parts.length < 3 ? "" : parts[2];
    boolean implied = architecture.equals("arm64") && variant.equals("v8"); // images leave it out
    return new WantedPlatform(parts[0], architecture, implied ? "" : variant);
  }

  private static String architecture(String name) {
    return ALIASES.getOrDefault(name, name);
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
