package io.gantry.engine.container;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** Time since the kernel started, which no step of the clock changes. */
final class Uptime {
  /** The kernel's USER_HZ, the same on every architecture that Gantry runs on. */
  private static final long TICKS_PER_SECOND = 100;

  private static final Path FILE = Path.of("/proc/uptime");

  private Uptime() {}

  /**
   * How long ago something was.
   *
   * @param ticks since boot, as {@code /proc/PID/stat} has the start of a process
   */
  static Duration since(long ticks) {
    try {
      String seconds = Files.readString(FILE).split(" ", 2)[0];
      long now = (long) (Double.parseDouble(seconds) * TICKS_PER_SECOND);
      return Duration.ofMillis(Math.max(0, now - ticks) * 1000 / TICKS_PER_SECOND);
    } catch (IOException | NumberFormatException e) {
      return Duration.ZERO; // a host without it: as if it had started just now
    }
  }
}
