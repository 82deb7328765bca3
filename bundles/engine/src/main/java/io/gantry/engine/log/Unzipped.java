package io.gantry.engine.log;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * The plain bytes of a gzip file, from any place on, up to its end or to the last byte that can be
 * had of a damaged one.
 *
 * <p>Not thread-safe.
 */
final class Unzipped {
  private static final int BUFFER = 64 * 1024;

  private final FileChannel channel;
  private @Nullable InputStream in; // null: to be opened at the beginning
  private long position;
  private boolean damaged;
  private boolean ended; // the damage has been reached

  Unzipped(FileChannel channel) {
    this.channel = channel;
  }

  /** Whether something was found that is no gzip, or that its checksum denies. */
  boolean isDamaged() {
    return damaged;
  }

  /** Where the next read begins. */
  long position() {
    return position;
  }

  /** Goes to a place, or to the end when that comes before it. */
  void seek(long to) throws IOException {
    if (to < position || ended) {
      rewind();
    }
    try {
      while (position < to) {
        long skipped = open().skip(to - position);
        if (skipped <= 0) {
          return;
        }
        position += skipped;
      }
    } catch (ZipException | EOFException e) {
      end();
    }
  }

  /** Negative at the end. */
  int read(byte[] into, int offset, int length) throws IOException {
    if (ended) {
      return -1;
    }
    try {
      int count = open().read(into, offset, length);
      position += Math.max(count, 0);
      return count;
    } catch (ZipException | EOFException e) {
      return readSingly(into, offset, length);
    }
  }

  /** A read that meets damage gives nothing of what comes before it, unless it is of one byte. */
  private int readSingly(byte[] into, int offset, int length) throws IOException {
    long from = position;
    rewind();
    seek(from);
    int count = 0;
    try {
      while (count < length && open().read(into, offset + count, 1) > 0) {
        count++;
        position++;
      }
    } catch (ZipException | EOFException e) {
      end();
    }
    return count > 0 ? count : -1;
  }

  private void end() {
    damaged = true;
    ended = true;
  }

  private void rewind() {
    in = null;
    position = 0;
    ended = false;
  }

  private InputStream open() throws IOException {
    InputStream now = in;
    if (now == null) {
      channel.position(0);
      now = new GZIPInputStream(Channels.newInputStream(channel), BUFFER);
      in = now;
    }
    return now;
  }
}
