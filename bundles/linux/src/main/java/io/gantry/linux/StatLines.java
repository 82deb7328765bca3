package io.gantry.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The small files in which the kernel counts, read often: each in as few system calls as it takes,
 * into a buffer that is kept, and without a text of the whole. For one thread.
 */
public final class StatLines {
  private static final int BUFFER = 16 << 10;

  private byte[] buffer = new byte[BUFFER];
  private int length;
  private int at;

  /**
   * Reads a file.
   *
   * @return whether it is there and can be read; if not, what was read is empty
   */
  public boolean read(String file) {
    return read(new StatFile(file, false));
  }

  boolean read(StatFile file) {
    at = 0;
    length = file.read(buffer);
    // Short of full it is the whole: these files are given out at once, however long.
    while (length == buffer.length) {
      buffer = new byte[buffer.length * 2];
      length = file.read(buffer);
    }
    boolean there = length >= 0;
    length = Math.max(0, length);
    return there;
  }

  /** The next word of this line, or empty at its end. */
  public String word() {
    blanks();
    int from = at;
    while (at < length && buffer[at] > ' ' && !separator(buffer[at])) {
      at++;
    }
    return from == at ? "" : new String(buffer, from, at - from, ISO_8859_1);
  }

  /** The next number of this line; -1 when there is none, and then nothing is skipped. */
  public long number() {
    blanks();
    if (at >= length || !digit(buffer[at])) {
      return -1;
    }
    long value = 0;
    while (at < length && digit(buffer[at])) {
      value = value * 10 + buffer[at++] - '0';
    }
    return value < 0 ? CgroupStats.UNLIMITED : value; // 2^64 - 1 and such
  }

  /** Whether there is something left on this line. */
  public boolean more() {
    blanks();
    return at < length && buffer[at] != '\n';
  }

  /** Goes to the next line; false when there is none. */
  public boolean nextLine() {
    while (at < length && buffer[at] != '\n') {
      at++;
    }
    at++;
    return at < length;
  }

  /** All lines {@code key number} from here on. */
  public Map<String, Long> map() {
    var map = new LinkedHashMap<String, Long>();
    if (length > at) {
      do {
        String key = word();
        long value = number();
        if (value >= 0) {
          map.put(key, value);
        }
      } while (nextLine());
    }
    return map;
  }

  /** Skips what separates two fields, which may be a sign such as colon or equals. */
  private void blanks() {
    while (at < length && (buffer[at] == ' ' || buffer[at] == '\t' || separator(buffer[at]))) {
      at++;
    }
  }

  private static boolean separator(byte b) {
    return b == ':' || b == '=';
  }

  private static boolean digit(byte b) {
    return b >= '0' && b <= '9';
  }
}
