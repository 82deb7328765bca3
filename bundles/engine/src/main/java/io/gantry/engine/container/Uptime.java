package io.gantry.engine.container;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;

/** Time since the kernel started, which no step of the clock changes. */
final class Uptime {
  /** The kernel's USER_HZ, the same on every architecture that Gantry runs on. */
  private static final long TICKS_PER_SECOND = 100;

  /** Behind the name; the 22nd of all, proc_pid_stat(5). */
  private static final int START = 19;

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

  /** When a process started, in ticks since boot; empty when there is none. */
  static OptionalLong started(long pid) {
    try {
      // What it calls itself need not be text, and may hold blanks and parentheses.
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), ISO_8859_1);
      String[] behindName = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return OptionalLong.of(Long.parseLong(behindName[START]));
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
