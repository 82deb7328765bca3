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
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The directory that holds everything an engine keeps, taken by one engine at a time. The lock is
 * the kernel's, so it ends with the process that holds it; the file's text names that process for
 * people. A second one is held on the instance, by the name that all its kernel objects carry: a
 * copy of a data root would drive the same containers.
 */
final class DataRoot implements AutoCloseable {

  private static final String INSTANCE_FILE = "instance";
  private static final Pattern INSTANCE = Pattern.compile("[0-9a-f]{8}");
  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  /** What may be in a data root that no engine has used yet. */
  private static final Set<String> BEFORE_USE =
      Set.of("lock", "instance.tmp", "deploy", "lost+found");

  private static final String READ_ONLY = "Read-only file system";

  /** Longer than an engine takes to stop. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final Duration POLL = Duration.ofMillis(20);

  private final Path path;
  private final String instance;
  private final @Nullable FileChannel lock;
  private final Claim claim;

  /** That no other engine on this host is the same instance. */
  private record Claim(Path file, FileChannel channel) {}

  /**
   * @param lock null where the file system is read-only
   */
  private DataRoot(Path path, String instance, @Nullable FileChannel lock, Claim claim) {
    this.path = path;
    this.instance = instance;
    this.lock = lock;
    this.claim = claim;
  }

  /**
   * Makes, checks and locks the data root.
   *
   * @param pid of the process an operator would end: the gate's, or the JVM's where there is no
   *     gate
   * @param claims where instances are claimed: exists, and is the same for all engines of this host
   */
  static DataRoot open(Path directory, long pid, Path claims) throws StartFailure {
    try {
      refuseForeign(directory);
      Path path = OwnedDirectory.open("data root", directory, "rwx--x---");
      FileChannel lock = lock(path, pid);
      try {
        String instance = instance(path);
        return new DataRoot(path, instance, lock, claim(claims, instance, path, pid, lock == null));
      } catch (IOException | StartFailure e) {
        if (lock != null) {
          lock.close();
        }
        throw e;
      }
    } catch (IOException e) {
      throw new StartFailure(
          StartFailure.IO_ERROR,
          "cannot use data root " + directory + ": " + OwnedDirectory.reason(e),
          e);
    }
  }

  /** Somebody's directory, {@code /} for one: nothing in it or about it is changed. */
  private static void refuseForeign(Path directory) throws IOException, StartFailure {
    if (!Files.isDirectory(directory)) {
      return;
    }
    Path real = directory.toRealPath();
    if (Files.exists(real.resolve(INSTANCE_FILE))) {
      instance(real);
      return;
    }
    try (Stream<Path> files = Files.list(real)) {
      if (files.anyMatch(file -> !BEFORE_USE.contains(file.getFileName().toString()))) {
        throw new StartFailure(
            StartFailure.USAGE,
            "refusing data root "
                + real
                + ": it is not empty, and no engine's, since it has no file "
                + INSTANCE_FILE
                + "; name one that is empty or not there");
      }
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
   * Lets another engine take it. Its own lock file stays: removing it would let two engines lock
   * two files.
   */
  @Override
  public void close() throws IOException {
    try (claim.channel) {
      Files.deleteIfExists(claim.file); // see claim: whoever has opened it notices
    }
    if (lock != null) {
      lock.close();
    }
  }

  /** Null where the file system is read-only. */
  private static @Nullable FileChannel lock(Path path, long pid) throws IOException, StartFailure {
    Path file = path.resolve("lock");
    try {
      return lock(file, pid, holder -> inUse(holder, path));
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
    return null;
  }

  /** Again when the file that is locked was removed meanwhile: it is nobody's then. */
  private static Claim claim(Path claims, String instance, Path path, long pid, boolean readOnly)
      throws IOException, StartFailure {
    Path file = claims.resolve("gantry-" + instance + ".lock");
    while (true) {
      Object before = key(file);
      FileChannel channel =
          lock(
              file, pid, holder -> readOnly ? inUse(holder, path) : copied(holder, instance, path));
      if (before != null && before.equals(key(file))) {
        return new Claim(file, channel);
      }
      channel.close();
    }
  }

  private static @Nullable Object key(Path file) throws IOException {
    try {
      return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private static FileChannel lock(Path file, long pid, Function<String, StartFailure> taken)
      throws IOException, StartFailure {
    FileChannel channel = FileChannel.open(file, Set.of(CREATE, READ, WRITE), PRIVATE);
    try {
      if (channel.tryLock() == null) {
        String holder = holder(channel);
        if (lives(holder) || !isLetGo(channel)) {
          throw taken.apply(holder);
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

  private static StartFailure copied(String holder, String instance, Path path) {
    return new StartFailure(
        StartFailure.IN_USE,
        "already running: the engine with pid %s is instance %s, and data root %s a copy of its own"
            .formatted(holder, instance, path));
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
    Path file = path.resolve(INSTANCE_FILE);
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
