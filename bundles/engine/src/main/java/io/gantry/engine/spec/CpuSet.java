package io.gantry.engine.spec;

import java.util.BitSet;

/** Lists of numbers as cpuset(7) writes them: {@code 0-2,7}. */
final class CpuSet {
  private static final int MOST = 8192;

  private CpuSet() {}

  /**
   * @throws IllegalArgumentException when it is no such list, in dockerd's words
   */
  static BitSet parse(String text) {
    try {
      return read(text);
    } catch (NumberFormatException e) { // which is an IllegalArgumentException
      throw new IllegalArgumentException("invalid format: " + text, e);
    }
  }

  private static BitSet read(String text) {
    var set = new BitSet();
    for (String part : text.strip().split(",", -1)) {
      if (part.isEmpty() && text.isBlank()) {
        continue;
      }
      int dash = part.indexOf('-');
      int first = number(dash < 0 ? part : part.substring(0, dash));
      int last = dash < 0 ? first : number(part.substring(dash + 1));
      if (last < first) {
        throw new NumberFormatException(part);
      }
      set.set(first, last + 1);
    }
    return set;
  }

  private static int number(String text) {
    int number = Integer.parseInt(text.strip());
    if (number < 0) {
      throw new NumberFormatException(text);
    }
    if (number > MOST) {
      throw new IllegalArgumentException("value of out range, maximum is " + MOST);
    }
    return number;
  }
}
