package io.gantry.itests.isolation;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** dockerd in a tree of its own: {@code GANTRY_PEERS} names the script that makes such trees. */
final class Peer implements AutoCloseable {
  /** Its networks, ports and rules are nobody else's. */
  private static final List<String> APART =
      List.of("unshare", "--net", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\"");

  private final Path socket;
  private final String suite;

  Peer(String suite, String folder) {
    this.suite = suite;
    this.socket = Path.of(trees(), folder, "docker.sock");
    script("setup");
    script("dockerd");
  }

  private static String trees() {
    return System.getenv().getOrDefault("PEERS", "/tmp/peers");
  }

  private void script(String verb) {
    var environment = Map.of("PEERS", trees(), "SUITE", suite);
    var command = new ArrayList<>(APART);
    command.addAll(List.of(System.getenv("GANTRY_PEERS"), verb));
    Command.run(environment, Duration.ofMinutes(10), command).ok();
  }

  Path socket() {
    return socket;
  }

  @Override
  public void close() {
    script("stop");
    // It takes its pid file along when it has ended.
    Eventually.eventually(
        suite + "'s dockerd ends", () -> !Files.exists(socket.resolveSibling("docker.pid")));
  }
}
