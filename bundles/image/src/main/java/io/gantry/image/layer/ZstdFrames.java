package io.gantry.image.layer;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;

/**
 * A zstd stream without its skippable frames (RFC 8878, 3.1.2), which not every decoder knows.
 * Layers in the format "zstd:chunked" have some, at the end. Follows the lengths of frames and
 * blocks, so that what is cut, followed by something else, or wants a window of more than 8 MiB is
 * refused whoever decodes it.
 */
final class ZstdFrames extends FilterInputStream {

  private static final long MAGIC = 0xfd2fb528L;
  private static final long SKIPPABLE = 0x184d2a50;
  private static final int BLOCK_HEAD = 3;
  private static final int RUN_OF_ONE_BYTE = 1;
  private static final int RESERVED = 3;
  private static final int LONGEST_HEAD = 18;
  private static final long MOST_WINDOW = 8 << 20;

  private final BufferedInputStream source;
  private long left; // bytes to pass on before the next look; -1 at the end
  private boolean inFrame;
  private int checksum; // bytes after the last block of this frame

  ZstdFrames(BufferedInputStream source) {
    super(source);
    this.source = source;
  }

  /** Whether this is how a zstd stream begins. */
  static boolean isStart(byte[] head) {
    long magic = number(head, 0, 4);
    return head.length >= 4 && (magic == MAGIC || isSkippable(magic));
  }

  private static boolean isSkippable(long magic) {
    return (magic & ~0xfL) == SKIPPABLE;
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
    if (left < 0) {
      return -1;
    }
    int n = source.read(into, offset, (int) Math.min(length, left));
    if (n < 0) {
      throw new EOFException();
    }
    left -= n;
    return n;
  }

  private void frame() throws IOException {
    byte[] head = peek(LONGEST_HEAD);
    if (head.length == 0) {
      left = -1;
    } else if (head.length < 8) {
      throw new EOFException(); // no frame is as short as that
    } else if (isSkippable(number(head, 0, 4))) {
      source.skipNBytes(8 + number(head, 4, 4));
    } else if (number(head, 0, 4) == MAGIC) {
      int descriptor = head[4] & 0xff;
      left = 5 + afterDescriptor(descriptor);
      checkWindow(head, descriptor);
      checksum = (descriptor & 4) == 0 ? 0 : 4;
      inFrame = true;
    } else {
      throw new IOException("no frame of zstd");
    }
  }

  private static boolean isSingle(int descriptor) {
    return (descriptor & 0x20) != 0;
  }

  /** Window, dictionary and content size, whose lengths the descriptor says. */
  private static int afterDescriptor(int descriptor) {
    return (isSingle(descriptor) ? 0 : 1) + dictionaryLength(descriptor) + sizeLength(descriptor);
  }

  private static int dictionaryLength(int descriptor) {
    return new int[] {0, 1, 2, 4}[descriptor & 3];
  }

  private static int sizeLength(int descriptor) {
    return new int[] {isSingle(descriptor) ? 1 : 0, 2, 4, 8}[descriptor >> 6];
  }

  /** Without a window of its own a frame needs as much as it holds. */
  private static void checkWindow(byte[] head, int descriptor) {
    long window;
    if (isSingle(descriptor)) {
      int length = sizeLength(descriptor);
      window = number(head, 5 + dictionaryLength(descriptor), length) + (length == 2 ? 256 : 0);
    } else {
      long base = 1L << 10 + ((head[5] & 0xff) >> 3);
      window = base + base / 8 * (head[5] & 7);
    }
    if (window < 0 || window > MOST_WINDOW) {
      throw new GantryException(
          Kind.INVALID, "the archive needs too much memory to be decompressed");
    }
  }

  private void block() throws IOException {
    byte[] head = peek(BLOCK_HEAD);
    if (head.length < BLOCK_HEAD) {
      throw new EOFException();
    }
    int word = (int) number(head, 0, BLOCK_HEAD);
    int type = word >> 1 & 3;
    if (type == RESERVED) {
      throw new IOException("a block of zstd of no known type");
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

  /** So many bytes from {@code start}, or those that are there, little endian. */
  private static long number(byte[] bytes, int start, int length) {
    long number = 0;
    for (int i = Math.min(bytes.length, start + length) - 1; i >= start; i--) {
      number = number << 8 | bytes[i] & 0xff;
    }
    return number;
  }
}
