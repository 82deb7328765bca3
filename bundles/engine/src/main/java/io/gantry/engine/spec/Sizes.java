package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.Locale;
import java.util.regex.Pattern;

/** Sizes as Docker's users write them: {@code 10m}. */
public final class Sizes {
  private static final Pattern FORM =
      Pattern.compile("([0-9]+(?:\\.[0-9]+)?) ?([kmgtpKMGTP]?)[iI]?[bB]?");

  private static final double MOST = 1L << 62;

  private Sizes() {}

  /**
   * The value of an option that cannot be nothing, in steps of 1024.
   *
   * @throws GantryException INVALID, with the option's name
   */
  public static long ofOption(String name, String text) {
    try {
      long bytes = binary(text.strip());
      if (bytes >= 1) {
        return bytes;
      }
    } catch (GantryException e) {
      // said below
    }
    throw new GantryException(INVALID, "invalid value for " + name + ": '" + text + "'");
  }

  /** In thousands, as Docker reads sizes of files. */
  static long decimal(String text) {
    return bytes(text, 1000);
  }

  /** In steps of 1024, as Docker reads sizes of memory. */
  static long binary(String text) {
    return bytes(text, 1024);
  }

  private static long bytes(String text, int step) {
    var m = FORM.matcher(text);
    if (!m.matches()) {
      throw new GantryException(INVALID, "invalid size: '" + text + "'");
    }
    int power = m.group(2).isEmpty() ? 0 : "kmgtp".indexOf(m.group(2).toLowerCase(Locale.ROOT)) + 1;
    double bytes = Double.parseDouble(m.group(1)) * Math.pow(step, power);
    if (bytes >= MOST) {
      throw new GantryException(INVALID, "size is too large: '" + text + "'");
    }
    return (long) bytes;
  }
}
