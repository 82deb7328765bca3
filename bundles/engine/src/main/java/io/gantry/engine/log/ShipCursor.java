package io.gantry.engine.log;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * How far a log has been shipped: a place in one of its files, which is known by its inode and its
 * first bytes whatever it is called by now.
 *
 * @param head checksum of the first {@code headLength} bytes
 * @param offset where the next line begins, in plain bytes
 * @param lines shipped so far, from the first one on
 */
record ShipCursor(long inode, long head, int headLength, long offset, long lines) {

  static ShipCursor at(SpoolFile file, long offset, long lines) throws IOException {
    int headLength = (int) Math.min(SpoolFile.HEAD, offset);
    return new ShipCursor(file.inode(), file.head(headLength), headLength, offset, lines);
  }

  /** Whether this place is in that file. */
  boolean isIn(SpoolFile file) throws IOException {
    return file.inode() == inode && file.head(headLength) == head;
  }

  /** Empty when nothing has been shipped, or nobody knows. */
  static Optional<ShipCursor> read(Path file) throws IOException {
    try {
      String[] words = Files.readString(file, US_ASCII).strip().split(" ", -1);
      return Optional.of(
          new ShipCursor(
              Long.parseLong(words[0]),
              Long.parseLong(words[1]),
              Integer.parseInt(words[2]),
              Long.parseLong(words[3]),
              Long.parseLong(words[4])));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      return Optional.empty(); // a power cut: rather twice than never
    }
  }

  /** A crash of the engine finds this one or the one before; not synced, as the log itself. */
  void write(Path file) throws IOException {
    var scratch = file.resolveSibling(file.getFileName() + ".tmp");
    Files.writeString(
        scratch, inode + " " + head + " " + headLength + " " + offset + " " + lines + "\n");
    Files.move(scratch, file, ATOMIC_MOVE);
  }
}
