package io.gantry.registry.client.v1;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.regex.Pattern;

/**
 * The id of an image in a registry of version 1: a name that its pusher chose, and no digest of
 * anything. Always well formed, so that it may become a part of a path.
 */
record ImageId(String hex) {

  private static final Pattern FORM = Pattern.compile("[0-9a-f]{64}");

  ImageId {
    if (!FORM.matcher(hex).matches()) {
      String shown = hex.length() > 100 ? hex.substring(0, 100) + "…" : hex;
      throw new GantryException(
          Kind.INVALID, "image ID \"%s\" is invalid".formatted(shown.replaceAll("[^ -~]", "?")));
    }
  }

  /** As messages name it. */
  String shown() {
    return hex.substring(0, 12);
  }

  @Override
  public String toString() {
    return hex;
  }
}
