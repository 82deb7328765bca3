package io.gantry.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The small files in which the kernel counts, read often: each in as few system calls as it takes,
 * into a buffer that is kept, and without a text of the whole. For one thread.
 */
public final class StatLines {
  private static final int BUFFER = 16 << 10;

  private byte[] buffer = new byte[BUFFER];
  private int length;
  private int at;
  private String kind = ""; // of what was read last
  private final Map<String, Counters.Names> known = new HashMap<>(); // by kind

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
    kind = file.name();
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

  /** All lines {@code key number} from here on. Of one kind of file they are mostly the same. */
  public Map<String, Long> map() {
    int from = at;
    var names = known.get(kind);
    if (names != null && names.size() > 0) {
      var same = mapAs(names);
      if (same != null) {
        return same;
      }
      at = from;
    }
    var map = newMap();
    var found = new Counters.Names(map.keySet());
    known.put(kind, found);
    return new Counters(found, map.values().stream().mapToLong(Long::longValue).toArray());
  }

  /** Null when these are others. */
  private @Nullable Counters mapAs(Counters.Names names) {
    long[] values = new long[names.size()];
    for (int i = 0; i < values.length; i++) {
      int name = names.match(i, buffer, at, length);
      at += Math.max(name, 0);
      values[i] = name < 0 ? -1 : number();
      boolean last = !nextLine();
      if (values[i] < 0 || last != (i == values.length - 1)) {
        return null;
      }
    }
    return new Counters(names, values);
  }

  private Map<String, Long> newMap() {
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
