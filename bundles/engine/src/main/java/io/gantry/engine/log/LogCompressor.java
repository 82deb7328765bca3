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
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Compresses the rotated files of a log. A file stays as it is until its compressed form is on the
 * disk, whole, under a name of its own; whoever may rename the log's files then exchanges them.
 */
public final class LogCompressor {
  private static final Set<PosixFilePermission> PERMISSIONS =
      PosixFilePermissions.fromString("rw-------");

  /** Puts compressed files in their places. */
  public interface Exchange {
    /**
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
    var scratch = newest.resolveSibling(newest.getFileName() + ".gz.tmp");
    try (var out = FileChannel.open(scratch, CREATE, TRUNCATE_EXISTING, WRITE)) {
      Files.setPosixFilePermissions(scratch, PERMISSIONS);
      file.mark().compress(file.whole(), Channels.newOutputStream(out));
      out.force(true);
      exchange.put(scratch, file.inode());
    } catch (IOException | GantryException e) {
      Files.deleteIfExists(scratch);
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
