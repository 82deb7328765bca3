package io.gantry.image.layer;

import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;

/**
 * A zstd stream without its skippable frames (RFC 8878, 3.1.2), which the decoder does not know.
 * Layers in the format "zstd:chunked" have some, at the end. Follows the lengths of frames and
 * blocks; what has none that make sense is passed on as it is, for the decoder to complain of.
 */
final class ZstdFrames extends FilterInputStream {

  private static final int MAGIC = 0xfd2fb528;
  private static final int SKIPPABLE = 0x184d2a50;
  private static final int BLOCK_HEAD = 3;
  private static final int RUN_OF_ONE_BYTE = 1;
  private static final int RESERVED = 3;

  private final BufferedInputStream source;
  private long left; // bytes to pass on before the next look
  private boolean inFrame;
  private int checksum; // bytes after the last block of this frame

  ZstdFrames(BufferedInputStream source) {
    super(source);
    this.source = source;
  }

  /** Whether this is how a zstd stream begins. */
  static boolean isStart(byte[] head) {
    return head.length >= 4 && (number(head, 4) == MAGIC || isSkippable(number(head, 4)));
  }

  private static boolean isSkippable(int magic) {
    return (magic & ~0xf) == SKIPPABLE;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (left == 0) {
      if (inFrame) {
        block();
      } else {
        frame();
      }
    }
    int n = source.read(into, offset, (int) Math.min(length, left));
    left -= Math.max(n, 0);
    return n;
  }

  private void frame() throws IOException {
    byte[] head = peek(8);
    if (head.length == 8 && isSkippable(number(head, 4))) {
      source.skipNBytes(8 + Integer.toUnsignedLong(number(head, 8)));
    } else if (head.length > 4 && number(head, 4) == MAGIC) {
      left = 5 + afterDescriptor(head[4]);
      checksum = (head[4] & 4) == 0 ? 0 : 4;
      inFrame = true;
    } else {
      left = Long.MAX_VALUE;
    }
  }

  /** Window, dictionary and content size, whose lengths the descriptor says. */
  private static int afterDescriptor(byte descriptor) {
    boolean single = (descriptor & 0x20) != 0;
    int dictionary = new int[] {0, 1, 2, 4}[descriptor & 3];
    int size = new int[] {single ? 1 : 0, 2, 4, 8}[(descriptor & 0xff) >> 6];
    return (single ? 0 : 1) + dictionary + size;
  }

  private void block() throws IOException {
    byte[] head = peek(BLOCK_HEAD);
    int word = head.length < BLOCK_HEAD ? RESERVED << 1 : number(head, BLOCK_HEAD);
    int type = word >> 1 & 3;
    if (type == RESERVED) {
      left = Long.MAX_VALUE;
      return;
    }
    boolean last = (word & 1) != 0;
    left = BLOCK_HEAD + (type == RUN_OF_ONE_BYTE ? 1 : word >> 3) + (last ? checksum : 0);
    inFrame = !last;
  }

  private byte[] peek(int most) throws IOException {
    source.mark(most);
    byte[] head = source.readNBytes(most);
    source.reset();
    return head;
  }

  /** The last four bytes before {@code end}, or fewer, little endian. */
  private static int number(byte[] bytes, int end) {
    int number = 0;
    for (int i = end - 1; i >= Math.max(0, end - 4); i--) {
      number = number << 8 | bytes[i] & 0xff;
    }
    return number;
  }
}
