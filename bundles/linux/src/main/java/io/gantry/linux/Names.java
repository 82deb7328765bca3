package io.gantry.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;

/**
 * Linux names as Java Strings: bytes without a meaning, so each {@code char} is one byte
 * (ISO-8859-1). A name that people typed is UTF-8 and must be turned: {@link #ofText}.
 */
public final class Names {

  private static final int LONGEST = 255;

  private Names() {}

  /** The name whose bytes are the text's in UTF-8. */
  public static String ofText(String text) {
    return new String(text.getBytes(UTF_8), ISO_8859_1);
  }

  /** The text a name spells, if its bytes are UTF-8; otherwise with replacement characters. */
  public static String toText(String name) {
    return new String(name.getBytes(ISO_8859_1), UTF_8);
  }

  /** The name for messages: anything but printable ASCII as {@code \x0a}. */
  public static String printable(String name) {
    StringBuilder text = new StringBuilder(name.length());
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c >= ' ' && c < 0x7f) {
        text.append(c);
      } else {
        text.append(String.format("\\x%02x", (int) c));
      }
    }
    return text.toString();
  }

  /** The bytes of one path component, for the kernel. */
  static byte[] component(String name) {
    if (name.isEmpty()
        || name.length() > LONGEST
        || name.equals(".")
        || name.equals("..")
        || name.indexOf('/') >= 0) {
      throw new GantryException(Kind.INVALID, "not a file name: " + printable(name));
    }
    return bytes(name);
  }

  /** The bytes of a path or of any other argument, with the NUL that ends it. */
  static byte[] bytes(String name) {
    byte[] bytes = new byte[name.length() + 1];
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c == 0 || c > 0xff) {
        throw new GantryException(Kind.INVALID, "not a string of bytes: " + printable(name));
      }
      bytes[i] = (byte) c;
    }
    return bytes;
  }
}
