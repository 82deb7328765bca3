package io.gantry.linux;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The umask of this process, which nobody changes while it runs. */
final class Umask {

  private static final int BITS = read();

  private Umask() {}

  /** Whether a file made with {@code mode} would lack some of its bits. */
  static boolean takesFrom(int mode) {
    return (BITS & mode) != 0;
  }

  private static int read() {
    // No channel: an interrupt would close it, and the class could never be used again.
    try (var status = new FileInputStream("/proc/self/status")) {
      return new String(status.readAllBytes(), UTF_8)
          .lines()
          .filter(line -> line.startsWith("Umask:"))
          .mapToInt(line -> Integer.parseInt(line.substring("Umask:".length()).trim(), 8))
          .findFirst()
          .orElse(0777);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
