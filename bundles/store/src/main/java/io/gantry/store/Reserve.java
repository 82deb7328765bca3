package io.gantry.store;

import io.gantry.spi.GantryException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Disk space kept back so that a full disk can be cleaned up: removing things, and saying that they
 * are to end, needs to write a little first. Thread-safe.
 */
public final class Reserve {

  private static final int CHUNK = 1 << 16;

  private final Path file;
  private final long bytes;
  private final ReentrantLock lock = new ReentrantLock(); // around what is done with the file
  private int drawing; // guarded by lock; each of them has a part to itself

  public Reserve(Path file, long bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /**
   * Takes the space, as far as it is to be had: a disk that is full already, or read-only, is no
   * failure. Writes nothing when all of it is there.
   *
   * @return whether all of it is there
   */
  public boolean fill() {
    lock.lock();
    try {
      return fillHeld();
    } finally {
      lock.unlock();
    }
  }

  private boolean fillHeld() {
    try {
      long there = Files.exists(file) ? Files.size(file) : 0;
      long wanted = Math.max(0, bytes - drawing * part());
      if (there < wanted) {
        append(wanted - there);
      }
      return drawing == 0;
    } catch (IOException e) {
      return false; // what could be taken is kept
    }
  }

  /** Neither a hole nor what a file system may compress: both would reserve nothing. */
  private void append(long wanted) throws IOException {
    var random = new SplittableRandom();
    byte[] chunk = new byte[CHUNK];
    try (var out = new FileOutputStream(file.toFile(), true)) {
      for (long left = wanted; left > 0; left -= chunk.length) {
        random.nextBytes(chunk);
        out.write(chunk, 0, (int) Math.min(left, chunk.length));
      }
      out.getFD().sync();
    }
  }

  private long part() {
    return bytes / 8;
  }

  /** Gives the space back to whoever needs it now. */
  public void release() {
    lock.lock();
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw StoreFailure.of("remove " + file, e);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Runs something small, or something that frees space, and that may be run again. When the disk
   * is full a part of the reserve is given up for it, then all of it; afterwards the reserve is
   * filled again as far as that goes. Whoever takes long, or hangs, keeps nobody else waiting: it
   * costs its part.
   */
  public <R> R spend(Supplier<R> cleaning) {
    try {
      return cleaning.get();
    } catch (GantryException e) {
      if (e.kind() != GantryException.Kind.EXHAUSTED) {
        throw e;
      }
    }
    draw();
    try {
      return cleaning.get();
    } catch (GantryException e) {
      if (e.kind() != GantryException.Kind.EXHAUSTED) {
        throw e;
      }
      release();
      return cleaning.get();
    } finally {
      giveBack();
    }
  }

  /** A part: what writes much on this disk would take all that is set free at once. */
  private void draw() {
    lock.lock();
    try {
      shrink(part());
      drawing++;
    } finally {
      lock.unlock();
    }
  }

  private void giveBack() {
    lock.lock();
    try {
      drawing--;
      fillHeld();
    } finally {
      lock.unlock();
    }
  }

  private void shrink(long by) {
    if (!Files.exists(file)) {
      return; // nothing is reserved, and opening it would make it
    }
    try (var out = new RandomAccessFile(file.toFile(), "rw")) {
      out.setLength(Math.max(0, out.length() - by));
    } catch (IOException e) {
      throw StoreFailure.of("shrink " + file, e);
    }
  }
}
