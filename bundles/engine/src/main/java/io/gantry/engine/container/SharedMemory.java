package io.gantry.engine.container;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * The {@code /dev/shm} that several containers share ({@code --ipc shareable}). A mount of one
 * container cannot be taken into another's namespace, so this one lies on the host, where all can
 * be given it.
 */
final class SharedMemory {
  private static final int PATIENCE_SECONDS = 10;

  private SharedMemory() {}

  static Path of(Path runDir) {
    return runDir.resolve("shm");
  }

  static void mount(Path runDir, long bytes) {
    var dir = of(runDir);
    try {
      Files.createDirectory(dir);
    } catch (IOException e) {
      throw new GantryException(
          GantryException.Kind.INTERNAL, "make " + dir + ": " + e.getMessage(), e);
    }
    run(
        "/bin/mount",
        "-n",
        "-t",
        "tmpfs",
        "-o",
        "nosuid,nodev,noexec,mode=1777,size=" + bytes,
        "shm",
        dir.toString());
  }

  /** Does nothing when there is none. */
  static void unmount(Path runDir) {
    var dir = of(runDir);
    try {
      if (Files.isDirectory(dir)
          && !Files.getAttribute(dir, "unix:dev").equals(Files.getAttribute(runDir, "unix:dev"))) {
        run("/bin/umount", "-n", "-l", dir.toString());
      }
    } catch (IOException e) {
      throw new GantryException(
          GantryException.Kind.INTERNAL, "look at " + dir + ": " + e.getMessage(), e);
    }
  }

  private static void run(String... command) {
    try {
      var process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw failed(command, "no end within " + PATIENCE_SECONDS + " s");
      }
      if (process.exitValue() != 0) {
        throw failed(
            command,
            new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip());
      }
    } catch (IOException e) {
      throw failed(command, String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(GantryException.Kind.CANCELLED, "interrupted", e);
    }
  }

  private static GantryException failed(String[] command, String why) {
    return new GantryException(
        GantryException.Kind.INTERNAL, String.join(" ", command) + ": " + why);
  }
}
