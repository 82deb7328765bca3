package io.gantry.itests.docker;

import static io.gantry.itests.harness.Eventually.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An engine starts, is there once or several times, stops, and is taken over by its successor. */
@Tag("root")
@Timeout(120)
class LifeOfAnEngineTest {

  @Test
  void answersAsSoonAsItRuns() throws IOException {
    try (Instance engine = Instance.start();
        Http http = engine.http()) {
      Http.Answer ping = http.call("GET", "/_ping", "");
      assertEquals("OK", ping.body());
      assertEquals("linux", ping.headers().get("ostype"));
      assertTrue(engine.docker("version").ok().contains("Server:"));
      assertEquals(
          "rw-rw----",
          PosixFilePermissions.toString(Files.getPosixFilePermissions(engine.socket())));
      assertEquals(
          engine.gate().pid() + "",
          Files.readString(engine.scratch().resolve("pid")).strip(),
          "the pidfile names the gate");
    }
  }

  @Test
  void saysNothingUnasked() {
    try (Instance engine = Instance.start()) {
      List<String> odd =
          engine
              .log()
              .lines()
              .filter(line -> !line.matches("\\d{4}-\\d\\d-\\d\\dT.* INFO .*"))
              .toList();
      assertEquals(List.of(), odd);
    }
  }

  @Test
  void leavesSocketAndPidfileToNobody() throws IOException {
    try (Instance engine = Instance.start()) {
      engine.stop();
      assertFalse(Files.exists(engine.socket()));
      assertFalse(Files.exists(engine.scratch().resolve("pid")));
    }
  }

  @Test
  void twoRunSideBySideAndKnowTheirOwn() {
    try (Instance one = Instance.start();
        Instance other = Instance.start()) {
      one.importBusybox();
      one.docker("run", "-d", "--name", "only-here", "busybox", "sleep", "1000").ok();
      assertEquals("only-here", one.docker("ps", "--format", "{{.Names}}").ok());
      assertEquals("", other.docker("ps", "-a", "--format", "{{.Names}}").ok());
      assertEquals("", other.docker("images", "-q").ok());
      assertNotEquals(
          one.docker("info", "--format", "{{.ID}}").ok(),
          other.docker("info", "--format", "{{.ID}}").ok());
    }
  }

  @Test
  void aSignalToItsGroupReachesNoContainer() {
    try (Instance engine = Instance.start()) {
      engine.importBusybox();
      engine.docker("run", "-d", "--name", "stays", "busybox", "sleep", "1000").ok();
      String pid = pidOf(engine, "stays");
      // As a terminal's Ctrl-C does, to the groups of all that gantryd is made of.
      Set<Long> groups =
          Stream.concat(Stream.of(engine.gate()), engine.gate().descendants())
              .map(process -> group(process.pid()))
              .collect(Collectors.toSet());
      groups.remove(group(ProcessHandle.current().pid()));
      assertFalse(groups.contains(group(Long.parseLong(pid))));
      groups.forEach(group -> kill("TERM", -group));
      kill("TERM", engine.gate().pid());
      eventually("the engine stops", () -> !engine.gate().isAlive());
      assertTrue(Files.exists(Path.of("/proc", pid)), "the container runs on");
      engine.startAgain();
      assertEquals(pid, pidOf(engine, "stays"));
    }
  }

  @Test
  void containersOutliveItAndAreFoundAgain() {
    try (Instance engine = Instance.start()) {
      engine.importBusybox();
      String ending = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done";
      engine.docker("run", "-d", "--name", "ends", "busybox", "sh", "-c", ending).ok();
      engine
          .docker(
              "run", "-d", "--name", "lives", "busybox", "sh", "-c", "echo before; exec sleep 1000")
          .ok();
      eventually("the trap is set", () -> engine.docker("logs", "ends").ok().equals("ready"));
      String ends = pidOf(engine, "ends");
      String lives = pidOf(engine, "lives");
      engine.stop();
      kill("TERM", Long.parseLong(ends));
      eventually("the container ends", () -> !Files.exists(Path.of("/proc", ends)));
      assertTrue(Files.exists(Path.of("/proc", lives)), "the other runs on");
      engine.startAgain();
      assertEquals(lives, pidOf(engine, "lives"));
      assertEquals("before", engine.docker("logs", "lives").ok());
      assertEquals(
          "exited 7",
          engine.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "ends").ok());
    }
  }

  private static long group(long pid) {
    String stat =
        Command.run(Map.of(), Duration.ofSeconds(10), List.of("ps", "-o", "pgid=", "-p", "" + pid))
            .ok();
    return Long.parseLong(stat);
  }

  private static void kill(String signal, long target) {
    Command.run(
            Map.of(), Duration.ofSeconds(10), List.of("/bin/kill", "-" + signal, "--", "" + target))
        .ok();
  }

  private static String pidOf(Instance engine, String container) {
    return engine.docker("inspect", "-f", "{{.State.Pid}}", container).ok();
  }
}
