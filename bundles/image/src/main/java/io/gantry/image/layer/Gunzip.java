package io.gantry.image.layer;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Decompresses gzip (RFC 1952) by the JDK's zlib: members one after the other, each checked. What
 * follows the last member and does not begin as another one is left alone, as gzip(1) does. The
 * JDK's own stream takes a broken second member for the end of the first.
 */
final class Gunzip extends InputStream {

  private static final int BUFFER = 1 << 16;
  private static final int MAGIC1 = 0x1f;
  private static final int MAGIC2 = 0x8b;
  private static final int DEFLATE = 8;
  private static final int HEADER_CRC = 2;
  private static final int EXTRA = 4;
  private static final int NAME = 8;
  private static final int COMMENT = 16;

  private final InputStream in;
  private final Inflater inflater = new Inflater(true);
  private final CRC32 sum = new CRC32();
  private final byte[] buffer = new byte[BUFFER];
  private int from;
  private int to;
  private boolean begun;
  private boolean ended;

  /**
   * @param in at the first member
   */
  Gunzip(InputStream in) {
    this.in = in;
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
    try {
      if (!begun) {
        begun = true;
        header();
      }
      while (!ended) {
        int n = inflater.inflate(into, offset, length);
        if (n > 0) {
          sum.update(into, offset, n);
          return n;
        }
        if (inflater.finished()) {
          member();
        } else if (inflater.needsDictionary()) {
          throw new IOException("a dictionary is asked for");
        } else {
          feed();
        }
      }
      return -1;
    } catch (DataFormatException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private void feed() throws IOException {
    fill();
    inflater.setInput(buffer, from, to - from);
    from = to; // what it leaves is given back by member()
  }

  /** Ends a member and begins the next, if there is one. */
  private void member() throws IOException {
    from = to - inflater.getRemaining();
    long expected = sum.getValue();
    if (number(4) != expected) {
      throw new IOException("wrong checksum");
    }
    if (number(4) != (inflater.getBytesWritten() & 0xffffffffL)) {
      throw new IOException("wrong length");
    }
    if (isMember()) {
      inflater.reset();
      header();
    } else {
      ended = true;
    }
  }

  /** What has but the first byte of a member is one that was cut. */
  private boolean isMember() throws IOException {
    if (from == to && !more() || (buffer[from] & 0xff) != MAGIC1) {
      return false;
    }
    if (to - from == 1) {
      buffer[0] = buffer[from];
      from = 0;
      to = 1 + Math.max(0, in.read(buffer, 1, BUFFER - 1));
    }
    return to - from == 1 || (buffer[from + 1] & 0xff) == MAGIC2;
  }

  private void header() throws IOException {
    sum.reset();
    boolean isGzip = next() == MAGIC1 && next() == MAGIC2 && next() == DEFLATE;
    if (!isGzip) {
      throw new IOException("not in gzip format");
    }
    int flags = next();
    skip(6); // time, extra flags, system
    if ((flags & EXTRA) != 0) {
      skip(next() | next() << 8);
    }
    if ((flags & NAME) != 0) {
      skipText();
    }
    if ((flags & COMMENT) != 0) {
      skipText();
    }
    if ((flags & HEADER_CRC) != 0) {
      long expected = sum.getValue() & 0xffff;
      if (number(2) != expected) {
        throw new IOException("wrong checksum of the header");
      }
    }
    sum.reset();
    inflater.setInput(buffer, from, to - from);
    from = to;
  }

  private void skip(int bytes) throws IOException {
    for (int i = 0; i < bytes; i++) {
      next();
    }
  }

  @SuppressWarnings("StatementWithEmptyBody")
  private void skipText() throws IOException {
    while (next() != 0) {}
  }

  /** Little endian. */
  private long number(int bytes) throws IOException {
    long number = 0;
    for (int i = 0; i < bytes; i++) {
      number |= (long) next() << 8 * i;
    }
    return number;
  }

  private int next() throws IOException {
    if (from == to) {
      fill();
    }
    int next = buffer[from++] & 0xff;
    sum.update(next);
    return next;
  }

  private void fill() throws IOException {
    if (!more()) {
      throw new EOFException();
    }
  }

  private boolean more() throws IOException {
    int n = in.read(buffer, 0, BUFFER);
    from = 0;
    to = Math.max(n, 0);
    return n > 0;
  }

  @Override
  public void close() throws IOException {
    inflater.end();
    in.close();
  }
}
