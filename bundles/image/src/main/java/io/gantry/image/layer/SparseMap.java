package io.gantry.image.layer;

import java.util.Arrays;

/** Where the data of a sparse file go: pieces in rising order, all else is a hole. */
final class SparseMap {

  private static final int MAX_PIECES = 1 << 20;

  private long[] numbers = new long[16]; // offset, length, offset, length, …
  private int used;
  private long end;
  private long dataBytes;

  void add(long offset, long length) {
    if (offset < end || length < 0 || offset > Long.MAX_VALUE - length) {
      throw BadTar.header("malformed sparse map");
    }
    if (used / 2 == MAX_PIECES) {
      throw BadTar.header("sparse map is too long");
    }
    end = offset + length;
    dataBytes += length;
    if (length == 0) {
      return; // marks where the file ends
    }
    if (used == numbers.length) {
      numbers = Arrays.copyOf(numbers, used * 2);
    }
    numbers[used++] = offset;
    numbers[used++] = length;
  }

  int pieces() {
    return used / 2;
  }

  long offset(int piece) {
    return numbers[2 * piece];
  }

  long length(int piece) {
    return numbers[2 * piece + 1];
  }

  /** Checks what the header says against the pieces. */
  void check(long realSize, long archivedSize) {
    if (realSize < end || archivedSize != dataBytes) {
      throw BadTar.header("sparse map does not fit the size");
    }
  }
}
