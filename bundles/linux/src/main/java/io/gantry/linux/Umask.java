package io.gantry.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The umask of this process, which nobody changes while it runs. */
final class Umask {

  private static final int BITS = read();

  private Umask() {}

  /** Whether a file made with {@code mode} would lack some of its bits. */
  static boolean takesFrom(int mode) {
    return (BITS & mode) != 0;
  }

  private static int read() {
    try (var lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith("Umask:"))
          .mapToInt(line -> Integer.parseInt(line.substring("Umask:".length()).trim(), 8))
          .findFirst()
          .orElse(0777);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
