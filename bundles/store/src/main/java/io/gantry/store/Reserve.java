package io.gantry.store;

import io.gantry.spi.GantryException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * Disk space kept back so that a full disk can be cleaned up: removing things needs to write a
 * little first.
 */
public final class Reserve {

  private static final int CHUNK = 1 << 16;

  private final Path file;
  private final long bytes;

  public Reserve(Path file, long bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /** Takes the space if it is to be had; a disk that is full already is no failure. */
  public boolean fill() {
    try {
      if (Files.exists(file) && Files.size(file) == bytes) {
        return true;
      }
      // Written and not only claimed by length: a hole reserves nothing.
      try (var out = new FileOutputStream(file.toFile())) {
        byte[] chunk = new byte[CHUNK];
        for (long left = bytes; left > 0; left -= chunk.length) {
          out.write(chunk, 0, (int) Math.min(left, chunk.length));
        }
        out.getFD().sync();
      }
      return true;
    } catch (IOException e) {
      release();
      return false;
    }
  }

  /** Gives the space back to whoever needs it now. */
  public void release() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw StoreFailure.of("remove " + file, e);
    }
  }

  /**
   * Runs something that frees space. When the disk is full, the reserve is given up and it is run
   * once more; afterwards the reserve is filled again as far as that goes.
   */
  public <R> R spend(Supplier<R> cleaning) {
    try {
      return cleaning.get();
    } catch (GantryException e) {
      if (e.kind() != GantryException.Kind.EXHAUSTED) {
        throw e;
      }
      release();
      try {
        return cleaning.get();
      } finally {
        fill();
      }
    }
  }
}
