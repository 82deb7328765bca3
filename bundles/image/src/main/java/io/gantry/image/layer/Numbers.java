package io.gantry.image.layer;

/** Number fields of tar headers: octal text, or GNU's base-256. */
final class Numbers {

  private Numbers() {}

  static long parse(byte[] block, int at, int length, String field) {
    int first = block[at];
    if ((first & 0x80) != 0) {
      return base256(block, at, length, field);
    }
    int from = at;
    int end = at + length;
    while (from < end && isPadding(block[from])) {
      from++;
    }
    long value = 0;
    for (; from < end && !isPadding(block[from]); from++) {
      int digit = block[from] - '0';
      if (digit < 0 || digit > 7 || value > Long.MAX_VALUE >> 3) {
        throw BadTar.header(field + " is no number");
      }
      value = value << 3 | digit;
    }
    for (; from < end; from++) {
      if (!isPadding(block[from])) {
        throw BadTar.header(field + " is no number");
      }
    }
    return value;
  }

  private static boolean isPadding(byte b) {
    return b == ' ' || b == 0;
  }

  /** Two's complement, big end first; the topmost bit only marks the form. */
  private static long base256(byte[] block, int at, int length, String field) {
    boolean negative = (block[at] & 0x40) != 0;
    long value = negative ? -1 : 0;
    for (int i = 0; i < length; i++) {
      int b = block[at + i] & 0xff;
      if (i == 0) {
        b = negative ? b : b & 0x7f;
      }
      long next = value << 8 | b;
      if (next >> 8 != value) {
        throw BadTar.header(field + " is too large");
      }
      value = next;
    }
    return value;
  }

  /** A decimal number as PAX has them. */
  static long decimal(String text, String field) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw BadTar.header(field + " is no number");
    }
  }
}
