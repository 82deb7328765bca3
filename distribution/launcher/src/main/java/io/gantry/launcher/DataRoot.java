package io.gantry.launcher;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;

/**
 * The directory that holds everything an engine keeps, taken by one engine at a time. The lock is
 * the kernel's, so it ends with the process that holds it; the file's text names that process for
 * people.
 */
final class DataRoot implements AutoCloseable {

  private static final Pattern INSTANCE = Pattern.compile("[0-9a-f]{8}");
  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private static final String READ_ONLY = "Read-only file system";

  /** Longer than an engine takes to stop. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final Duration POLL = Duration.ofMillis(20);

  private final Path path;
  private final String instance;
  private final FileChannel lock;

  private DataRoot(Path path, String instance, FileChannel lock) {
    this.path = path;
    this.instance = instance;
    this.lock = lock;
  }

  /**
   * Makes, checks and locks the data root.
   *
   * @param pid of the process an operator would end: the gate's, or the JVM's where there is no
   *     gate
   * @param elsewhere where it is locked when its own file system is read-only: exists, and is the
   *     same for all engines that may want this data root
   */
  static DataRoot open(Path directory, long pid, Path elsewhere) throws StartFailure {
    Path path = OwnedDirectory.open("data root", directory, "rwx--x---");
    try {
      FileChannel lock = lock(path, pid, elsewhere);
      try {
        return new DataRoot(path, instance(path), lock);
      } catch (IOException | StartFailure e) {
        lock.close();
        throw e;
      }
    } catch (IOException e) {
      throw new StartFailure(
          StartFailure.IO_ERROR,
          "cannot use data root " + path + ": " + OwnedDirectory.reason(e),
          e);
    }
  }

  Path path() {
    return path;
  }

  /** Eight hexadecimal digits that tell this data root's kernel objects from any other's. */
  String instance() {
    return instance;
  }

  /**
   * Lets another engine take it. The file stays: removing it would let two engines lock two files.
   */
  @Override
  public void close() throws IOException {
    lock.close();
  }

  private static FileChannel lock(Path path, long pid, Path elsewhere)
      throws IOException, StartFailure {
    Path file = path.resolve("lock");
    try {
      return lock(file, path, pid);
    } catch (FileSystemException e) {
      if (!READ_ONLY.equals(e.getReason()) || !Files.exists(file)) {
        throw e;
      }
    }
    // An engine that came before the file system was read-only holds the lock on its file.
    try (FileChannel channel = FileChannel.open(file, READ)) {
      if (channel.tryLock(0, Long.MAX_VALUE, true) == null) {
        throw inUse(holder(channel), path);
      }
    }
    return lock(elsewhere.resolve("gantry-" + instance(path) + ".lock"), path, pid);
  }

  private static FileChannel lock(Path file, Path path, long pid) throws IOException, StartFailure {
    FileChannel channel = FileChannel.open(file, Set.of(CREATE, READ, WRITE), PRIVATE);
    try {
      if (channel.tryLock() == null) {
        String holder = holder(channel);
        if (lives(holder) || !isLetGo(channel)) {
          throw inUse(holder, path);
        }
      }
      name(channel, pid);
      return channel;
    } catch (IOException | StartFailure e) {
      channel.close();
      throw e;
    }
  }

  private static StartFailure inUse(String holder, Path path) {
    return new StartFailure(
        StartFailure.IN_USE,
        "already running: the engine with pid " + holder + " has data root " + path);
  }

  /** Over what is there, so that a full disk has room for it; without it the lock holds as well. */
  private static void name(FileChannel channel, long pid) {
    byte[] text = (pid + "\n").getBytes(StandardCharsets.US_ASCII);
    try {
      channel.write(ByteBuffer.wrap(text), 0);
      channel.truncate(text.length);
    } catch (IOException e) {
      System.err.println("gantryd: the lock does not name this process: " + e.getMessage());
    }
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer holder = ByteBuffer.allocate(20);
    channel.read(holder, 0);
    return StandardCharsets.US_ASCII.decode(holder.flip()).toString().strip();
  }

  /**
   * A gate that was killed is named here until the JVM it leaves behind has ended, in order. Until
   * it is reaped it keeps its pid, but no command line.
   */
  private static boolean lives(String holder) {
    try {
      Path process = Path.of("/proc", Long.toString(Long.parseLong(holder)));
      return Files.readAllBytes(process.resolve("cmdline")).length > 0;
    } catch (NumberFormatException e) {
      return true; // it has just taken the lock and not said yet who it is
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean isLetGo(FileChannel channel) throws IOException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (channel.tryLock() == null) {
      if (System.nanoTime() - end > 0) {
        return false;
      }
      LockSupport.parkNanos(POLL.toNanos());
    }
    return true;
  }

  private static String instance(Path path) throws IOException, StartFailure {
    Path file = path.resolve("instance");
    if (!Files.exists(file)) {
      byte[] id = new byte[4];
      new SecureRandom().nextBytes(id);
      store(file, HexFormat.of().formatHex(id) + "\n");
    }
    String text = Files.readString(file, StandardCharsets.ISO_8859_1).strip();
    if (!INSTANCE.matcher(text).matches()) {
      throw new StartFailure(
          StartFailure.IO_ERROR,
          file
              + " is damaged: it has to hold 8 hexadecimal digits, those in the names of this"
              + " engine's directories gantry-<instance> below its exec root");
    }
    return text;
  }

  private static void store(Path file, String text) throws IOException {
    Path scratch = file.resolveSibling(file.getFileName() + ".tmp");
    try (FileChannel out =
        FileChannel.open(scratch, Set.of(CREATE, WRITE, TRUNCATE_EXISTING), PRIVATE)) {
      out.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
      out.force(true);
    }
    Files.move(scratch, file, ATOMIC_MOVE);
    try (FileChannel directory = FileChannel.open(file.getParent(), READ)) {
      directory.force(true);
    }
  }
}
