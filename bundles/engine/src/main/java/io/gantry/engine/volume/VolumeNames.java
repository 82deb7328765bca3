package io.gantry.engine.volume;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.regex.Pattern;

/** What may be the name of a volume, in dockerd's words. */
public final class VolumeNames {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]+");
  private static final int LONGEST = 255;

  private VolumeNames() {}

  /**
   * @throws GantryException INVALID
   */
  public static String check(String name) {
    if (name.length() == 1) {
      throw new GantryException(
          INVALID,
          "create "
              + name
              + ": volume name is too short, names should be at least two alphanumeric characters");
    }
    if (name.length() > LONGEST) {
      throw new GantryException(
          INVALID, "volume name is too long: " + name.length() + " characters, at most " + LONGEST);
    }
    if (!NAME.matcher(name).matches()) {
      throw new GantryException(
          INVALID,
          "create "
              + name
              + ": \""
              + name
              + "\" includes invalid characters for a local volume name, only"
              + " \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host"
              + " directory, use absolute path");
    }
    return name;
  }
}
