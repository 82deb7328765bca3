package io.gantry.engine.log;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the lines of a log and of its rotated predecessors, oldest first, while its writer goes on
 * writing, rotating and compressing. All files that are to be read are opened at the beginning, so
 * that none can be rotated away under a slow reader; a follower then goes from each to the one that
 * was written after it.
 *
 * <p>Not thread-safe.
 */
final class Spool implements AutoCloseable {
  private static final int CHUNK = 64 * 1024;
  private static final int LONGEST_LINE = 4 << 20;

  private final SpoolNames names;
  private final boolean follows;
  private final LogDamages damages;
  private final Deque<SpoolFile> files = new ArrayDeque<>(); // the current one first
  private boolean begun;
  private long limit; // of the last file, for who does not follow
  private byte[] buffer = new byte[CHUNK];
  private int from;
  private int to;

  /**
   * @param follows goes on with what is written later
   */
  Spool(SpoolNames names, boolean follows, LogDamages damages) {
    this.names = names;
    this.follows = follows;
    this.damages = damages;
  }

  /** Goes to where the last {@code lines} begin; by default one starts at the oldest. */
  void tail(long lines) throws IOException {
    open(lines);
  }

  /** Goes to a place in a file, which from now on is this reader's. */
  void goOn(SpoolFile file, long position) throws IOException {
    begun = true;
    files.add(file);
    file.seek(position);
  }

  private void open(long lines) throws IOException {
    var file = names.newest();
    begun = file != null;
    if (file == null) {
      return;
    }
    files.add(file);
    limit = file.size();
    long missing = lines - file.seekLast(lines, limit);
    while (missing > 0) {
      file = names.older(file);
      if (file == null) {
        break;
      }
      files.addFirst(file);
      missing -= file.seekLast(missing, file.size());
    }
  }

  private void openAll() throws IOException {
    var file = names.newest();
    begun = file != null;
    limit = file == null ? 0 : file.size();
    for (; file != null; file = names.older(file)) {
      files.addFirst(file);
    }
  }

  /** The next whole line, without its newline; empty when there is none now. */
  Optional<ByteBuffer> next() throws IOException {
    if (!begun) {
      openAll();
    }
    int looked = from;
    while (true) {
      for (int i = looked; i < to; i++) {
        if (buffer[i] == '\n') {
          var line = ByteBuffer.wrap(buffer, from, i - from);
          from = i + 1;
          return Optional.of(line);
        }
      }
      looked = to - from;
      if (!fill()) {
        looked = 0;
        if (!advance()) {
          return Optional.empty();
        }
      }
    }
  }

  /** The file that the last line came from. */
  @Nullable SpoolFile file() {
    return files.peek();
  }

  /** Where in that file the next line begins. */
  long position() {
    var file = files.peek();
    return file == null ? 0 : file.position() - (to - from);
  }

  /** Moves what is left to the front of the buffer and reads behind it. */
  private boolean fill() throws IOException {
    var file = files.peek();
    if (file == null) {
      return false;
    }
    if (!file.isCompressed() && file.size() < file.position()) {
      file.seek(0); // cut back in place: monitors of version 0.1 did so where one file is kept
      from = to;
    }
    makeRoom();
    int length = buffer.length - to;
    if (!follows && files.size() == 1 && !file.isCompressed()) {
      length = (int) Math.min(length, limit - file.position());
    }
    int count = length <= 0 ? -1 : file.read(buffer, to, length);
    to += Math.max(count, 0);
    if (count < 0 && file.isDamaged()) {
      damages.found(names.path(0), file);
    }
    return count > 0;
  }

  private void makeRoom() {
    System.arraycopy(buffer, from, buffer, 0, to - from);
    to -= from;
    from = 0;
    if (to < buffer.length) {
      return;
    }
    if (to >= LONGEST_LINE) {
      to = 0; // no entry is that long: not a log
    } else {
      buffer = Arrays.copyOf(buffer, buffer.length * 2);
    }
  }

  /** Goes on with the next younger file; false when there is none. */
  private boolean advance() throws IOException {
    var file = files.peek();
    if (file == null) {
      return false;
    }
    if (files.size() == 1) {
      if (!follows || names.isNewest(file)) {
        return false;
      }
      var younger = names.younger(file);
      if (younger == null) {
        return false;
      }
      files.add(younger);
      if (fill()) {
        return true; // written between the last look and the rotation
      }
    }
    files.remove().close();
    from = 0; // half a line, which a crash has left
    to = 0;
    return true;
  }

  @Override
  public void close() throws IOException {
    begun = true;
    from = 0;
    to = 0;
    while (!files.isEmpty()) {
      files.remove().close();
    }
  }
}
