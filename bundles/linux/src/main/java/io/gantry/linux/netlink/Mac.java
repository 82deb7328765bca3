package io.gantry.linux.netlink;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** Hardware addresses as text: {@code 02:42:ac:11:00:02}. */
final class Mac {
  private static final Pattern FORM = Pattern.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}");
  private static final HexFormat HEX = HexFormat.ofDelimiter(":");

  private Mac() {}

  static byte[] bytes(String text) {
    if (!FORM.matcher(text).matches()) {
      throw new GantryException(Kind.INVALID, "invalid MAC address: " + text);
    }
    return HEX.parseHex(text);
  }

  /** Empty for a link without one. */
  static String text(byte[] bytes) {
    return bytes.length == 6 ? HEX.formatHex(bytes) : "";
  }
}
