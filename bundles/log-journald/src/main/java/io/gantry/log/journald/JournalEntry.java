package io.gantry.log.journald;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;

/**
 * An entry in journald's native protocol: {@code NAME=value} and a newline, or for a value that has
 * newlines the name, a newline, its length as 64 bits little-endian, the value, a newline.
 */
final class JournalEntry {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Fields that all entries of a container have. */
  JournalEntry with(byte[] fields) {
    out.writeBytes(fields);
    return this;
  }

  JournalEntry put(String name, String value) {
    return put(name, value.getBytes(UTF_8));
  }

  JournalEntry put(String name, byte[] value) {
    out.writeBytes(name.getBytes(UTF_8));
    boolean simple = true;
    for (byte b : value) {
      simple &= b != '\n';
    }
    if (simple) {
      out.write('=');
    } else {
      out.write('\n');
      out.writeBytes(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value.length).array());
    }
    out.writeBytes(value);
    out.write('\n');
    return this;
  }

  byte[] bytes() {
    return out.toByteArray();
  }

  /**
   * The name of a field for a label or a variable: journald takes capitals, digits and {@code _}.
   */
  static String nameOf(String attribute) {
    String name = attribute.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9_]", "_");
    return name.replaceFirst("^_+", ""); // fields that begin so are journald's own
  }
}
