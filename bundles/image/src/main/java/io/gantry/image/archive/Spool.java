package io.gantry.image.archive;

import static java.lang.System.Logger.Level.DEBUG;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Memory for the members of one archive: a file without a name on the host's tmpfs. On a disk they
 * would be written out whenever a layer is synced, only to be deleted then. What does not fit goes
 * to the disk all the same. One thread writes, any may read.
 */
final class Spool implements AutoCloseable {

  private static final System.Logger log = System.getLogger("io.gantry.image");
  private static final Path MEMORY = Path.of("/dev/shm");
  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final String AVAILABLE = "MemAvailable:";

  private final @Nullable RandomAccessFile file;
  private final ReentrantLock lock = new ReentrantLock(); // of where the file is at
  private final long budget;
  private long used;

  private Spool(@Nullable RandomAccessFile file, long budget) {
    this.file = file;
    this.budget = budget;
  }

  /** Up to a quarter of the memory that is free now, and half of the tmpfs; maybe nothing. */
  static Spool open() {
    try {
      long budget = Math.min(available() / 4, Files.getFileStore(MEMORY).getUsableSpace() / 2);
      Path path = Files.createTempFile(MEMORY, "gantry-", "");
      try {
        // Not a channel: an interrupt would close it.
        return new Spool(new RandomAccessFile(path.toFile(), "rw"), budget);
      } finally {
        Files.delete(path);
      }
    } catch (IOException | NumberFormatException e) {
      log.log(DEBUG, "archives go to the disk: {0}", e.toString());
      return new Spool(null, 0);
    }
  }

  private static long available() throws IOException {
    for (String line : Files.readAllLines(MEMINFO)) {
      if (line.startsWith(AVAILABLE)) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    return 0;
  }

  /** Whether content of that size fits in. */
  boolean takes(long size) {
    return file != null && size <= budget - used;
  }

  /** Where the next content begins. */
  long position() {
    return used;
  }

  /** Appends all of it, or nothing. */
  void write(byte[] bytes, int length) throws IOException {
    RandomAccessFile open = memory();
    lock.lock();
    try {
      open.seek(used);
      open.write(bytes, 0, length);
    } finally {
      lock.unlock();
    }
    used += length;
  }

  /** Forgets what has been appended since. */
  void backTo(long position) {
    used = position;
  }

  InputStream read(long offset, long length) {
    return new Slice(memory(), lock, offset, length);
  }

  private RandomAccessFile memory() {
    if (file == null) {
      throw new IllegalStateException("there is no memory");
    }
    return file;
  }

  @Override
  public void close() {
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      log.log(DEBUG, "close of a file in memory: {0}", e.toString());
    }
  }

  private static final class Slice extends InputStream {
    private final RandomAccessFile file;
    private final ReentrantLock lock;
    private final long end;
    private long at;

    Slice(RandomAccessFile file, ReentrantLock lock, long offset, long length) {
      this.file = file;
      this.lock = lock;
      this.at = offset;
      this.end = offset + length;
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
      int most = (int) Math.min(length, end - at);
      if (most == 0) {
        return -1;
      }
      lock.lock();
      try {
        file.seek(at);
        int n = file.read(into, offset, most);
        at += Math.max(n, 0);
        return n;
      } finally {
        lock.unlock();
      }
    }
  }
}
