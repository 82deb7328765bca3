package io.gantry.engine.log;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the lines of a log and of its rotated predecessors ({@code L.2}, {@code L.1}, {@code L}),
 * oldest first, while its writer goes on writing and rotating. A file is known by its inode: when
 * it is read to its end, the reader looks where it has moved to and goes on with the next younger
 * one, so that no rotation is missed as long as the file is kept.
 *
 * <p>Not thread-safe.
 */
final class Spool implements AutoCloseable {
  private static final int CHUNK = 64 * 1024;
  private static final int LONGEST_LINE = 1 << 20;
  private static final int MOST_FILES = 10_000;

  private final Path newest;
  private @Nullable FileChannel open;
  private @Nullable Object key;
  private long position;
  private byte[] buffer = new byte[CHUNK];
  private int from;
  private int to;

  Spool(Path newest) {
    this.newest = newest;
  }

  /** Goes to where the last {@code lines} begin; by default one starts at the oldest. */
  void tail(long lines) throws IOException {
    long missing = lines;
    for (int age = 0; age < MOST_FILES && Files.exists(file(age)); age++) {
      try (var channel = FileChannel.open(file(age))) {
        long size = channel.size();
        long start = startOfLast(channel, size, missing);
        if (start >= 0) {
          moveTo(age, start);
          return;
        }
        missing -= newlines(channel, size);
      } catch (NoSuchFileException e) {
        break; // rotated away while we looked
      }
    }
    close();
    key = null;
  }

  /** The next whole line, without its newline; empty when there is none now. */
  Optional<ByteBuffer> next() throws IOException {
    while (true) {
      for (int i = from; i < to; i++) {
        if (buffer[i] == '\n') {
          var line = ByteBuffer.wrap(buffer, from, i - from);
          from = i + 1;
          return Optional.of(line);
        }
      }
      if (!fill() && !advance()) {
        return Optional.empty();
      }
    }
  }

  @Override
  public void close() throws IOException {
    var channel = open;
    open = null;
    from = 0;
    to = 0;
    if (channel != null) {
      channel.close();
    }
  }

  private boolean fill() throws IOException {
    var channel = open;
    if (channel == null) {
      return false;
    }
    if (channel.size() < position) { // truncated in place: one file is kept
      position = 0;
      from = 0;
      to = 0;
    }
    if (from > 0) {
      System.arraycopy(buffer, from, buffer, 0, to - from);
      to -= from;
      from = 0;
    }
    if (to == buffer.length) {
      if (to >= LONGEST_LINE) {
        to = 0; // no entry is that long: not a log
      } else {
        buffer = Arrays.copyOf(buffer, buffer.length * 2);
      }
    }
    int count = channel.read(ByteBuffer.wrap(buffer, to, buffer.length - to), position);
    if (count <= 0) {
      return false;
    }
    position += count;
    to += count;
    return true;
  }

  /** Goes on with the next younger file; false when there is none. */
  private boolean advance() throws IOException {
    int age = key == null ? oldest() + 1 : ageOf(key);
    if (age < 0) {
      age = oldest() + 1; // it was thrown away meanwhile
    }
    if (age == 0 || !Files.exists(file(age - 1))) {
      return false;
    }
    if (open != null && fill()) {
      return true; // written between the last look and the rotation
    }
    moveTo(age - 1, 0);
    return true;
  }

  private void moveTo(int age, long start) throws IOException {
    close();
    try {
      var channel = FileChannel.open(file(age));
      open = channel;
      key = keyOf(file(age));
      position = start;
    } catch (NoSuchFileException e) {
      key = null; // rotated at this very moment: found again at the next look
    }
  }

  private int oldest() {
    int age = -1;
    while (age + 1 < MOST_FILES && Files.exists(file(age + 1))) {
      age++;
    }
    return age;
  }

  private int ageOf(Object wanted) {
    for (int age = 0; age < MOST_FILES; age++) {
      try {
        if (wanted.equals(keyOf(file(age)))) {
          return age;
        }
      } catch (IOException e) {
        return -1;
      }
    }
    return -1;
  }

  private static @Nullable Object keyOf(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
  }

  private Path file(int age) {
    return age == 0 ? newest : newest.resolveSibling(newest.getFileName() + "." + age);
  }

  /** Where the last lines begin; -1 when the file has fewer. */
  private static long startOfLast(FileChannel channel, long size, long lines) throws IOException {
    if (lines == 0) {
      return size;
    }
    var chunk = ByteBuffer.allocate(CHUNK);
    long found = 0;
    for (long end = size; end > 0; ) {
      int length = (int) Math.min(CHUNK, end);
      chunk.clear().limit(length);
      channel.read(chunk, end - length);
      for (int i = length - 1; i >= 0; i--) {
        boolean last = end - length + i == size - 1;
        if (chunk.get(i) == '\n' && !last && ++found == lines) {
          return end - length + i + 1;
        }
      }
      end -= length;
    }
    return size > 0 && found + 1 == lines ? 0 : -1;
  }

  private static long newlines(FileChannel channel, long size) throws IOException {
    var chunk = ByteBuffer.allocate(CHUNK);
    long found = 0;
    for (long at = 0; at < size; ) {
      chunk.clear();
      int length = channel.read(chunk, at);
      if (length <= 0) {
        break;
      }
      for (int i = 0; i < length; i++) {
        found += chunk.get(i) == '\n' ? 1 : 0;
      }
      at += length;
    }
    return found;
  }
}
