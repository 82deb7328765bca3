package io.gantry.engine.spec;

import java.util.BitSet;

/** Lists of numbers as cpuset(7) writes them: {@code 0-2,7}. */
final class CpuSet {
  private static final int MOST = 8192;

  private CpuSet() {}

  /**
   * @throws IllegalArgumentException when it is no such list
   */
  static BitSet parse(String text) {
    var set = new BitSet();
    for (String part : text.strip().split(",", -1)) {
      if (part.isEmpty() && text.isBlank()) {
        continue;
      }
      int dash = part.indexOf('-');
      int first = number(dash < 0 ? part : part.substring(0, dash));
      int last = dash < 0 ? first : number(part.substring(dash + 1));
      if (last < first) {
        throw new IllegalArgumentException(part);
      }
      set.set(first, last + 1);
    }
    return set;
  }

  private static int number(String text) {
    int number = Integer.parseInt(text.strip()); // a NumberFormatException is what we promise
    if (number < 0 || number >= MOST) {
      throw new IllegalArgumentException(text);
    }
    return number;
  }
}
