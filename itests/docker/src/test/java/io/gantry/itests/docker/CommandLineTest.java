package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Instance;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What gantryd answers without an engine; no root needed. */
class CommandLineTest {

  @Test
  void theVersionIsPrintedAsDockersAre() {
    for (String flag : List.of("-v", "--version")) {
      String version = gantryd(flag).ok();
      assertTrue(version.matches("Gantry version [0-9][0-9.]*, build [0-9a-z]+"), version);
    }
  }

  @Test
  void helpNamesEveryFlag() {
    String help = gantryd("--help").ok();
    for (String flag :
        List.of(
            "-g, --data-root",
            "--exec-root",
            "-H, --host",
            "-p, --pidfile",
            "-G, --group",
            "-D, --debug",
            "-l, --log-level",
            "-s, --storage-driver",
            "-e, --exec-driver",
            "--api-cors-header",
            "--etc",
            "--deploy",
            "--optimize",
            "-v, --version",
            "-h, --help")) {
      assertTrue(help.contains(flag), () -> flag + " is not in " + help);
    }
    assertEquals(help, gantryd("-h").ok());
  }

  private static Command gantryd(String flag) {
    return Command.run(
        Map.of(),
        Duration.ofSeconds(30),
        List.of(Instance.home().resolve("bin/gantryd").toString(), flag));
  }
}
