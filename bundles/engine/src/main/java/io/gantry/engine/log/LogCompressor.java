package io.gantry.engine.log;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Compresses the rotated files of a log. A file stays as it is until its compressed form is on the
 * disk, whole, under a name of its own; whoever may rename the log's files then exchanges them. He
 * may do so later: until then nobody writes to that name.
 */
public final class LogCompressor {
  private static final Set<PosixFilePermission> PERMISSIONS =
      PosixFilePermissions.fromString("rw-------");

  /** Puts compressed files in their places. */
  public interface Exchange {
    /**
     * At once or later; what nobody wants any more goes.
     *
     * @param inode of the file that it was made of
     * @throws GantryException when there is no such file any more, or it cannot be
     */
    void put(Path compressed, long inode);
  }

  private LogCompressor() {}

  /** Compresses what has been rotated and is not yet; one at a time is enough. */
  public static void compress(Path newest, Exchange exchange) throws IOException {
    var names = new SpoolNames(newest);
    for (int age = 1; names.exists(age); age++) {
      var file = names.open(age);
      if (file == null) {
        return; // they move: next time
      }
      try (file) {
        if (!file.isCompressed() && !names.isNewest(file)) {
          compress(file, newest, exchange);
        }
      }
    }
  }

  private static void compress(SpoolFile file, Path newest, Exchange exchange) throws IOException {
    var mark = file.mark();
    var done = newest.resolveSibling(newest.getFileName() + "." + file.inode() + ".gz.tmp");
    try {
      if (!isOf(done, mark)) {
        var part = newest.resolveSibling(newest.getFileName() + ".gz.part");
        write(file, mark, part);
        Files.move(part, done, ATOMIC_MOVE);
      }
      exchange.put(done, file.inode());
    } catch (IOException | GantryException e) {
      Files.deleteIfExists(done);
      throw e;
    }
  }

  /** Whether it was made before, and its exchange is still to come. */
  private static boolean isOf(Path done, GzipMark mark) throws IOException {
    try (var channel = FileChannel.open(done)) {
      return GzipMark.read(channel).equals(mark);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static void write(SpoolFile file, GzipMark mark, Path part) throws IOException {
    try (var out = FileChannel.open(part, CREATE, TRUNCATE_EXISTING, WRITE)) {
      Files.setPosixFilePermissions(part, PERMISSIONS);
      mark.compress(file.whole(), Channels.newOutputStream(out));
      out.force(true);
    } catch (IOException e) {
      Files.deleteIfExists(part);
      throw e;
    }
  }

  /** For a log that nobody writes: exchanges as its monitor would. */
  public static Exchange unwritten(Path newest) {
    return (compressed, inode) -> {
      var names = new SpoolNames(newest);
      try {
        for (int age = 1; names.exists(age); age++) {
          if (names.isPlain(age, inode)) {
            Files.move(compressed, names.compressedPath(age), ATOMIC_MOVE);
            Files.delete(names.path(age));
            return;
          }
        }
        Files.deleteIfExists(compressed);
      } catch (IOException e) {
        throw new GantryException(
            GantryException.Kind.INTERNAL, "exchange " + compressed + ": " + e.getMessage(), e);
      }
    };
  }
}
