package io.gantry.store;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A directory whose entries survive a power cut once {@link #sync} has returned.
 *
 * <p>Group commit: a caller that finds a sync running waits, and the next one serves all who
 * waited. A sync counts for the tickets drawn before it began, since their renames were done by
 * then. When one fails, its leader throws and the others try themselves.
 */
final class Folder {

  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  /** Brings the entries of a directory to the disk. */
  @FunctionalInterface
  interface Sync {
    void force(Path directory) throws IOException;
  }

  private static final String RUN = Long.toHexString(System.nanoTime()) + "-";
  private static final AtomicLong NUMBER = new AtomicLong();

  private final Path path;
  private final Sync sync;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();
  private long requested; // guarded by lock
  private long done; // guarded by lock
  private boolean running; // guarded by lock

  Folder(Path path) {
    this(path, Folder::force);
  }

  Folder(Path path, Sync sync) {
    this.path = path;
    this.sync = sync;
  }

  Path path() {
    return path;
  }

  /** Makes the directory and its parents, if need be, so that they survive a power cut. */
  void create() throws IOException {
    if (Files.isDirectory(path)) {
      return;
    }
    Path parent = path.getParent();
    if (parent != null && !Files.isDirectory(parent)) {
      new Folder(parent).create();
    }
    try {
      Files.createDirectory(path, PRIVATE_DIRECTORY);
    } catch (FileAlreadyExistsException e) {
      return; // somebody else was faster
    }
    if (parent != null) {
      force(parent);
    }
  }

  /** An empty private file under a name of its own. */
  Path scratch(String prefix, String suffix) throws IOException {
    return Files.createTempFile(path, prefix, suffix, PRIVATE_FILE);
  }

  /** Writes a file so that a reader sees the old content or the new one. */
  void replace(Path file, byte[] content, boolean durable) throws IOException {
    // A name nobody else takes, without drawing random numbers for it: several times in each life
    // of a container.
    Path scratch = path.resolve(RUN + NUMBER.incrementAndGet() + RecordStore.SCRATCH);
    Files.createFile(scratch, PRIVATE_FILE);
    try {
      // Not a FileChannel: an interrupt would close it half-way.
      try (var out = new FileOutputStream(scratch.toFile())) {
        out.write(content);
        if (durable) {
          out.getFD().sync();
        }
      }
      Files.move(scratch, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException | RuntimeException e) {
      Files.deleteIfExists(scratch);
      throw e;
    }
  }

  /** Returns when every change made before the call is on the disk. */
  void sync() throws IOException {
    lock.lock();
    try {
      long ticket = ++requested;
      while (done < ticket) {
        if (running) {
          ended.awaitUninterruptibly();
        } else {
          lead();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Syncs asked for so far. */
  long requested() {
    lock.lock();
    try {
      return requested;
    } finally {
      lock.unlock();
    }
  }

  private void lead() throws IOException {
    long upTo = requested;
    running = true;
    boolean succeeded = false;
    lock.unlock();
    try {
      sync.force(path);
      succeeded = true;
    } finally {
      lock.lock();
      running = false;
      if (succeeded) {
        done = Math.max(done, upTo);
      }
      ended.signalAll();
    }
  }

  /**
   * fsync of a directory. Not by a FileChannel: an interrupt in between would fail what is there.
   */
  static void force(Path directory) throws IOException {
    try (var channel = AsynchronousFileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
