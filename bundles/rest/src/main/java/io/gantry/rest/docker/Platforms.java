package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Images.ImageView;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.util.List;

/** The {@code platform} parameter: {@code {"os","architecture","variant"}}. */
public final class Platforms {

  private Platforms() {}

  /**
   * Nothing asked is fine.
   *
   * @throws GantryException NOT_FOUND when the image is for another platform
   */
  public static void check(String reference, ImageView image, String platform) {
    if (platform.isEmpty()) {
      return;
    }
    JsonObject asked = parse(platform);
    boolean fits =
        asked.text("os").equals(image.os())
            && asked.text("architecture").equals(image.architecture())
            && (asked.text("variant").isEmpty() || asked.text("variant").equals(image.variant()));
    if (!fits) {
      throw new GantryException(
          NOT_FOUND,
          "image with reference "
              + reference
              + " was found but its platform ("
              + slashed(image.os(), image.architecture(), image.variant())
              + ") does not match the specified platform ("
              + slashed(asked.text("os"), asked.text("architecture"), asked.text("variant"))
              + ")");
    }
  }

  /**
   * {@code os/architecture[/variant]} of the one platform that is asked for, or empty for none.
   *
   * @throws GantryException INVALID for several, or for what is none
   */
  public static String one(List<String> platforms) {
    if (platforms.size() > 1) {
      throw new GantryException(INVALID, "multiple platform parameters not supported");
    }
    if (platforms.isEmpty() || platforms.get(0).isEmpty()) {
      return "";
    }
    JsonObject asked = parse(platforms.get(0));
    return slashed(asked.text("os"), asked.text("architecture"), asked.text("variant"));
  }

  private static JsonObject parse(String platform) {
    try {
      return JsonObject.parse(platform, "Platform");
    } catch (GantryException e) {
      String why = e.getMessage().replaceFirst("^invalid JSON: ", "");
      throw new GantryException(INVALID, "failed to parse platform: " + why, e);
    }
  }

  private static String slashed(String os, String architecture, String variant) {
    return os + "/" + architecture + (variant.isEmpty() ? "" : "/" + variant);
  }
}
