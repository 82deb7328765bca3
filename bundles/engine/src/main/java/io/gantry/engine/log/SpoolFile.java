package io.gantry.engine.log;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * One file of a log, open: the one that is being written or a rotated one, perhaps compressed. It
 * stays readable whatever it is renamed to, and its inode is nobody else's as long as it is open.
 *
 * <p>Not thread-safe.
 */
final class SpoolFile implements AutoCloseable {
  /** So much of the beginning tells a file from another that got its inode later. */
  static final int HEAD = 512;

  private static final int BUFFER = 64 * 1024;

  private final FileChannel channel;
  private final long inode;
  private final GzipMark mark;
  private final @Nullable Unzipped unzipped; // of a compressed one
  private long position; // of a plain one

  private SpoolFile(FileChannel channel, long inode, @Nullable GzipMark mark) {
    this.channel = channel;
    this.inode = inode;
    this.mark = mark == null ? GzipMark.NONE : mark;
    this.unzipped = mark == null ? null : new Unzipped(channel);
  }

  static SpoolFile plain(FileChannel channel, long inode) {
    return new SpoolFile(channel, inode, null);
  }

  /** Closes the channel when it cannot be read. */
  static SpoolFile compressed(FileChannel channel) throws IOException {
    try {
      var mark = GzipMark.read(channel);
      return new SpoolFile(channel, mark.inode(), mark);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  boolean isCompressed() {
    return unzipped != null;
  }

  /** Whether it has been read to where it cannot be read on; to its readers that is its end. */
  boolean isDamaged() {
    return unzipped != null && unzipped.isDamaged();
  }

  /** Of the plain file, which a compressed one was made of. */
  long inode() {
    return inode;
  }

  /** What a compressed file made of this one says. */
  GzipMark mark() throws IOException {
    return isCompressed() ? mark : new GzipMark(inode, head(HEAD));
  }

  /** Checksum of the first bytes, or of all when there are fewer. */
  long head(int most) throws IOException {
    if (most == HEAD && mark.inode() >= 0) {
      return mark.head(); // without reading all before the position anew
    }
    byte[] head = isCompressed() ? headOfPlain(most) : headOfFile(most);
    var crc = new CRC32();
    crc.update(head);
    return crc.getValue();
  }

  private byte[] headOfFile(int most) throws IOException {
    var head = ByteBuffer.allocate(most);
    while (head.hasRemaining() && channel.read(head, head.position()) > 0) {
      // until it is full or the file ends
    }
    return Arrays.copyOf(head.array(), head.position());
  }

  private byte[] headOfPlain(int most) throws IOException {
    long before = position();
    seek(0);
    byte[] head = new byte[most];
    int length = 0;
    for (int n = 0; length < most && n >= 0; length += Math.max(n, 0)) {
      n = read(head, length, most - length);
    }
    seek(before);
    return Arrays.copyOf(head, length);
  }

  /** Bytes of the file as it is on the disk. */
  long size() throws IOException {
    return channel.size();
  }

  /** Where the next read begins, counted in plain bytes. */
  long position() {
    return unzipped == null ? position : unzipped.position();
  }

  void seek(long to) throws IOException {
    if (unzipped == null) {
      position = to;
    } else {
      unzipped.seek(to);
    }
  }

  /** Negative at the end, which a plain file may leave behind. */
  int read(byte[] into, int offset, int length) throws IOException {
    if (unzipped != null) {
      return unzipped.read(into, offset, length);
    }
    int count = channel.read(ByteBuffer.wrap(into, offset, length), position);
    position += Math.max(count, 0);
    return count;
  }

  /**
   * Puts the position where the last lines begin, as far as this file has them.
   *
   * @param size of the file to look at
   * @return how many it has
   */
  long seekLast(long lines, long size) throws IOException {
    return isCompressed() ? seekLastOfPlain(lines) : seekLastOfFile(lines, size);
  }

  private long seekLastOfFile(long lines, long size) throws IOException {
    var chunk = ByteBuffer.allocate(BUFFER);
    long found = 0;
    for (long end = size; end > 0 && lines > 0; ) {
      int length = (int) Math.min(BUFFER, end);
      chunk.clear().limit(length);
      while (chunk.hasRemaining() && channel.read(chunk, end - length + chunk.position()) > 0) {
        // a short read is gone on with
      }
      for (int i = length - 1; i >= 0; i--) {
        if (chunk.get(i) == '\n' && found++ == lines) {
          position = end - length + i + 1;
          return lines;
        }
      }
      end -= length;
    }
    position = lines > 0 ? 0 : size;
    return found;
  }

  private long seekLastOfPlain(long lines) throws IOException {
    seek(0);
    long all = skipLines(Long.MAX_VALUE);
    seek(0);
    return all - skipLines(Math.max(0, all - lines));
  }

  /** Returns how many it has gone by. */
  private long skipLines(long lines) throws IOException {
    byte[] chunk = new byte[BUFFER];
    long found = 0;
    while (found < lines) {
      long start = position();
      int count = read(chunk, 0, chunk.length);
      if (count < 0) {
        break;
      }
      for (int i = 0; i < count; i++) {
        if (chunk[i] == '\n' && ++found == lines) {
          seek(start + i + 1);
          return found;
        }
      }
    }
    return found;
  }

  /** All of a plain one, from the beginning; not to be closed. */
  InputStream whole() throws IOException {
    channel.position(0);
    return Channels.newInputStream(channel);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
