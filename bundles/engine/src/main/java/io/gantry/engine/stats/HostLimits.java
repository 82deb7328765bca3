package io.gantry.engine.stats;

import io.gantry.linux.StatLines;

/** What this host has, and this process may have. */
final class HostLimits {
  private static final long KIBI = 1024;

  private HostLimits() {}

  /** Bytes. */
  static long memory() {
    var lines = new StatLines();
    if (lines.read("/proc/meminfo")) {
      do {
        if (lines.word().equals("MemTotal")) {
          return lines.number() * KIBI;
        }
      } while (lines.nextLine());
    }
    return Long.MAX_VALUE;
  }

  /** The soft limit, of this process. */
  static long openFiles() {
    var lines = new StatLines();
    if (lines.read("/proc/self/limits")) {
      do {
        if (lines.word().equals("Max")
            && lines.word().equals("open")
            && lines.word().equals("files")) {
          long limit = lines.number();
          return limit < 0 ? Long.MAX_VALUE : limit;
        }
      } while (lines.nextLine());
    }
    return 0;
  }
}
