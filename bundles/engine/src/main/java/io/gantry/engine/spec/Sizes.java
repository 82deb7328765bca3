package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.Locale;
import java.util.regex.Pattern;

/** Sizes as Docker's users write them: {@code 10m}. */
final class Sizes {
  private static final Pattern FORM =
      Pattern.compile("([0-9]+(?:\\.[0-9]+)?) ?([kmgtpKMGTP]?)[iI]?[bB]?");

  private Sizes() {}

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
    return (long) (Double.parseDouble(m.group(1)) * Math.pow(step, power));
  }
}
