package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The process of a monitor that is silent: it is the parent of the container's first process, which
 * it has not reaped, and listens where the container's run is. Only a process of which both is true
 * is one.
 */
final class MonitorProcess {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  /** Fields of proc_pid_stat(5), counted from the one behind the name. */
  private static final int PARENT = 1;

  private static final int START = 19;

  private MonitorProcess() {}

  /**
   * Kills it; whoever watches the run hears that it is lost.
   *
   * @return whether there was one
   */
  static boolean kill(Path runDirectory, long initPid, long initStart) {
    var process = parent(initPid, initStart).stream().mapToObj(ProcessHandle::of).findFirst();
    var found = process.flatMap(handle -> handle); // which notices when its pid goes to another
    var listener = listener(runDirectory.resolve("ctl.sock"));
    if (found.isEmpty() || listener.isEmpty() || !holds(found.get().pid(), listener.get())) {
      return false;
    }
    log.log(WARNING, "the monitor in {0} does not answer and is killed", runDirectory);
    return found.get().destroyForcibly();
  }

  private static OptionalLong parent(long pid, long start) {
    String text = read(Path.of("/proc/" + pid + "/stat"));
    String[] fields = text.substring(text.lastIndexOf(')') + 1).strip().split(" ", -1);
    boolean same = fields.length > START && fields[START].equals(Long.toString(start));
    return same ? OptionalLong.of(Long.parseLong(fields[PARENT])) : OptionalLong.empty();
  }

  /** The inode of a Unix socket that is listened to. */
  private static Optional<String> listener(Path socket) {
    return read(Path.of("/proc/net/unix"))
        .lines()
        .map(line -> line.strip().split(" +", 8))
        .filter(words -> words.length == 8 && words[7].equals(socket.toString()))
        .filter(words -> words[3].equals("00010000")) // it accepts connections
        .map(words -> words[6])
        .findFirst();
  }

  private static boolean holds(long pid, String inode) {
    try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/" + pid + "/fd"))) {
      for (Path descriptor : open) {
        if (isSocket(descriptor, inode)) {
          return true;
        }
      }
    } catch (IOException e) {
      // it is gone
    }
    return false;
  }

  private static boolean isSocket(Path descriptor, String inode) {
    try {
      return Files.readSymbolicLink(descriptor).toString().equals("socket:[" + inode + "]");
    } catch (IOException e) { // closed meanwhile
      return false;
    }
  }

  private static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) { // the process is gone
      return "";
    }
  }
}
