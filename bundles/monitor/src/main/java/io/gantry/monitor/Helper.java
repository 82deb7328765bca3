package io.gantry.monitor;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The native helper binary, where spawner and monitors run it from: a copy in the data root named
 * by its digest, so that an upgrade of the installation never changes what a running monitor was
 * made of.
 *
 * @param path of the copy
 * @param sha256 hex
 */
public record Helper(Path path, String sha256) {

  private static final String MODE = "r-x------";

  /**
   * Copies the shipped binary into the data root, unless the same is there already, and checks what
   * lies there.
   *
   * @throws GantryException NOT_FOUND when nothing is shipped, EXHAUSTED on a full disk, INTERNAL
   *     when it cannot be copied otherwise
   */
  public static Helper install(Path shipped, Path dataRoot) {
    Path scratch = null;
    try {
      if (!Files.isRegularFile(shipped)) {
        throw new GantryException(Kind.NOT_FOUND, "no helper binary at " + shipped);
      }
      byte[] content = Files.readAllBytes(shipped);
      String digest = sha256(content);
      Path dir = Files.createDirectories(dataRoot.resolve("helper"));
      Path copy = dir.resolve(digest);
      if (!isIntact(copy, digest)) {
        scratch = Files.createTempFile(dir, ".helper", null);
        write(scratch, content);
        Files.move(scratch, copy, StandardCopyOption.ATOMIC_MOVE);
        sync(dir);
      }
      return new Helper(copy, digest);
    } catch (IOException e) {
      boolean full = String.valueOf(e.getMessage()).contains("No space left on device");
      throw new GantryException(
          full ? Kind.EXHAUSTED : Kind.INTERNAL,
          "copy of the helper "
              + shipped
              + " failed: "
              + (full ? "no space left on device" : e.getMessage()),
          e);
    } finally {
      delete(scratch);
    }
  }

  private static boolean isIntact(Path copy, String digest) throws IOException {
    return Files.isRegularFile(copy, LinkOption.NOFOLLOW_LINKS)
        && Files.getPosixFilePermissions(copy).equals(PosixFilePermissions.fromString(MODE))
        && sha256(Files.readAllBytes(copy)).equals(digest);
  }

  private static void write(Path file, byte[] content) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      var bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(MODE));
      channel.force(true);
    }
  }

  private static void sync(Path dir) throws IOException {
    try (var channel = FileChannel.open(dir, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void delete(@Nullable Path scratch) {
    try {
      if (scratch != null) {
        Files.deleteIfExists(scratch);
      }
    } catch (IOException e) {
      // scratch in our own directory; the next installation does not trip over it
    }
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
