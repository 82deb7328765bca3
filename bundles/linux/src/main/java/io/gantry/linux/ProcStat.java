package io.gantry.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.GantryException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** What {@code /proc/PID/stat} tells of a process, proc_pid_stat(5). */
final class ProcStat {

  private static final int START_TIME = 22;
  private static final int FIRST_BEHIND_NAME = 3;

  private ProcStat() {}

  /**
   * When it started, in clock ticks; empty when it has ended.
   *
   * @param process its directory in procfs
   */
  static Optional<Long> started(Dir process) {
    var content = ByteBuffer.allocate(4096);
    try (File file = process.open("stat")) {
      if (file.read(content) <= 0) {
        return Optional.empty();
      }
    } catch (GantryException e) {
      return switch (SyscallError.errno(e)) {
        case ENOENT, ESRCH -> Optional.empty();
        default -> throw e;
      };
    }
    String text = new String(content.array(), 0, content.position(), ISO_8859_1);
    // The name in parentheses may hold anything, parentheses and blanks too.
    String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ", -1);
    return Optional.of(Long.parseLong(fields[START_TIME - FIRST_BEHIND_NAME]));
  }
}
