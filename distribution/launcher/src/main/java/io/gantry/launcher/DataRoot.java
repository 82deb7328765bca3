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
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;
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
   */
  static DataRoot open(Path directory, long pid) throws StartFailure {
    Path path = OwnedDirectory.open("data root", directory, "rwx--x---");
    try {
      FileChannel lock = lock(path, pid);
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

  private static FileChannel lock(Path path, long pid) throws IOException, StartFailure {
    Path file = path.resolve("lock");
    FileChannel channel = FileChannel.open(file, Set.of(CREATE, READ, WRITE), PRIVATE);
    try {
      if (channel.tryLock() == null) {
        ByteBuffer holder = ByteBuffer.allocate(20);
        channel.read(holder, 0);
        String text = StandardCharsets.US_ASCII.decode(holder.flip()).toString().strip();
        throw new StartFailure(
            StartFailure.IN_USE,
            "already running: the engine with pid " + text + " has data root " + path);
      }
      channel.truncate(0);
      channel.write(ByteBuffer.wrap((pid + "\n").getBytes(StandardCharsets.US_ASCII)), 0);
      return channel;
    } catch (IOException | StartFailure e) {
      channel.close();
      throw e;
    }
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
