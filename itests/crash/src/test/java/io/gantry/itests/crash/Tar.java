package io.gantry.itests.crash;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Archives of one file, alone or behind others. */
final class Tar {
  private static final int BLOCK = 512;

  private Tar() {}

  /** Without the blocks of zeros at its end, so that more can follow. */
  static byte[] open(byte[] tar) {
    int end = tar.length;
    while (end > 0 && tar[end - 1] == 0) {
      end--;
    }
    return Arrays.copyOf(tar, (end + BLOCK - 1) / BLOCK * BLOCK);
  }

  /**
   * @param before what comes first, as {@link #open} gives it
   */
  static byte[] of(byte[] before, String name, String content) {
    return end(entry(before, name, content.getBytes(StandardCharsets.US_ASCII)));
  }

  /** More can follow what this gives. */
  static byte[] entry(byte[] before, String name, byte[] content) {
    byte[] head = new byte[BLOCK];
    put(head, 0, name);
    put(head, 100, "0000644");
    put(head, 108, "0000000");
    put(head, 116, "0000000");
    put(head, 124, "%011o".formatted(content.length));
    put(head, 136, "00000000000");
    put(head, 148, "        ");
    head[156] = '0';
    put(head, 257, "ustar");
    put(head, 263, "00");
    int sum = 0;
    for (byte each : head) {
      sum += each & 0xff;
    }
    put(head, 148, "%06o\0 ".formatted(sum));
    ByteArrayOutputStream tar = new ByteArrayOutputStream();
    tar.writeBytes(before);
    tar.writeBytes(head);
    tar.writeBytes(Arrays.copyOf(content, (content.length + BLOCK - 1) / BLOCK * BLOCK));
    return tar.toByteArray();
  }

  static byte[] end(byte[] entries) {
    return Arrays.copyOf(entries, entries.length + 2 * BLOCK);
  }

  private static void put(byte[] head, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, head, at, bytes.length);
  }
}
