package io.gantry.linux.netlink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.linux.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Network namespaces that last as long as a process of the test in each. */
final class TestNamespaces implements AutoCloseable {
  private final List<Process> holders = new ArrayList<>();

  /** The pid of a process in a new one, which is there when this returns. */
  long make() throws IOException {
    var holder = new ProcessBuilder("unshare", "-n", "sh", "-c", "echo; exec sleep 1000").start();
    holders.add(holder);
    assertEquals('\n', holder.getInputStream().read());
    return holder.pid();
  }

  static NetworkNamespace open(long pid) {
    return NetworkNamespace.open(Path.of("/proc/" + pid + "/ns/net"));
  }

  /** Runs a command in the namespace of a process; gives what it says. */
  static String run(long pid, String... command) throws Exception {
    var whole = new ArrayList<>(List.of("nsenter", "-n", "-t", Long.toString(pid)));
    whole.addAll(List.of(command));
    var process = new ProcessBuilder(whole).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertEquals(0, process.waitFor(), () -> String.join(" ", command) + ": " + said);
    return said;
  }

  @Override
  public void close() throws InterruptedException {
    for (Process holder : holders) {
      holder.destroyForcibly().waitFor();
    }
  }
}
