package io.gantry.itests.docker;

import static io.gantry.itests.harness.Eventually.eventually;
import static io.gantry.itests.harness.Eventually.within;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.io.UncheckedIOException;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An engine starts, is there once or several times, stops, and is taken over by its successor. */
@Tag("root")
@Timeout(300)
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
  void saysNothingUnaskedWhereverItLies(@TempDir Path folder) throws IOException {
    Path home = folder.resolve("a place");
    var copy = List.of("cp", "-a", Instance.home().toString(), home.toString());
    Command.run(Map.of(), Duration.ofMinutes(1), copy).ok();
    try (Instance engine = Instance.startAt(home, Files.createTempDirectory("gy"))) {
      engine.stop();
      List<String> odd =
          engine
              .log()
              .lines()
              .filter(line -> !line.matches("\\d{4}-\\d\\d-\\d\\dT.* INFO .*"))
              .toList();
      assertEquals(List.of(), odd);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"adopted", "exec driver namespaces", "storage driver overlay"})
  void aStopDuringTheStartIsNoFailure(String reached, @TempDir Path folder) throws Exception {
    Path log = folder.resolve("log");
    Process gate =
        new ProcessBuilder(
                Instance.home().resolve("bin/gantryd").toString(),
                "--data-root=" + folder.resolve("data"),
                "--exec-root=" + folder.resolve("run"),
                "--host=unix://" + folder.resolve("s"))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      within(
          Duration.ofSeconds(60),
          reached + " is logged",
          () -> read(log).contains(" - " + reached));
      gate.destroy();
      within(Duration.ofSeconds(60), "it stops", () -> !gate.isAlive());
      assertEquals(0, gate.exitValue());
      List<String> odd =
          read(log)
              .lines()
              .filter(line -> !line.matches("\\d{4}-\\d\\d-\\d\\dT.* INFO .*"))
              .toList();
      assertEquals(List.of(), odd);
      assertFalse(Files.exists(folder.resolve("s")));
    } finally {
      gate.descendants().forEach(ProcessHandle::destroyForcibly);
      gate.destroyForcibly();
    }
  }

  @Test
  void aHostWithoutControlGroupsEndsTheStartWithTheReason(@TempDir Path folder) throws Exception {
    Path log = folder.resolve("log");
    Process gate =
        new ProcessBuilder(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "umount --lazy --recursive /sys/fs/cgroup; exec \"$0\" \"$@\"",
                Instance.home().resolve("bin/gantryd").toString(),
                "--data-root=" + folder.resolve("data"),
                "--exec-root=" + folder.resolve("run"),
                "--host=unix://" + folder.resolve("s"))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      within(Duration.ofSeconds(60), "it ends", () -> !gate.isAlive());
      assertEquals(74, gate.exitValue(), read(log));
      assertTrue(
          read(log).contains("gantryd: no control groups are mounted on this host"), read(log));
    } finally {
      gate.descendants().forEach(ProcessHandle::destroyForcibly);
      gate.destroyForcibly();
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aCrashOfTheEngineIsNoEndOfContainers() throws IOException {
    try (Instance engine = Instance.start()) {
      engine.importBusybox();
      String counting = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done";
      engine.docker("run", "-d", "--name", "lives", "busybox", "sh", "-c", counting).ok();
      engine
          .docker(
              "run",
              "-d",
              "--name",
              "ends",
              "busybox",
              "sh",
              "-c",
              "trap 'echo bye; exit 9' TERM; echo on; while :; do sleep 0.05; done")
          .ok();
      eventually("the trap is set", () -> engine.docker("logs", "ends").ok().equals("on"));
      String lives = pidOf(engine, "lives");
      String ends = pidOf(engine, "ends");
      long jvm = engine.engine().pid();
      kill("KILL", jvm);
      kill("TERM", Long.parseLong(ends));
      within(
          Duration.ofSeconds(60),
          "the gate starts it again",
          () ->
              engine.docker("inspect", "-f", "{{.State.ExitCode}}", "ends").out().startsWith("9"));
      assertNotEquals(jvm, engine.engine().pid());
      assertEquals("on\nbye", engine.docker("logs", "ends").ok());
      assertEquals(lives, pidOf(engine, "lives"));
      List<String> lines = engine.docker("logs", "lives").ok().lines().toList();
      for (int i = 0; i < lines.size(); i++) {
        assertEquals("" + (i + 1), lines.get(i), "no line of the log is lost");
      }
      assertEquals("in", engine.docker("exec", "lives", "echo", "in").ok());
    }
  }

  @Test
  void aMonitorThatDiesIsLostWithAllOfItsContainer() throws IOException {
    try (Instance engine = Instance.start()) {
      engine.importBusybox();
      engine
          .docker("run", "-d", "--name", "lost", "busybox", "sh", "-c", "sleep 1000 & sleep 1000")
          .ok();
      long init = Long.parseLong(pidOf(engine, "lost"));
      long monitor = ProcessHandle.of(init).orElseThrow().parent().orElseThrow().pid();
      kill("KILL", monitor);
      assertEquals("137", engine.docker("wait", "lost").ok());
      assertEquals("monitor lost", engine.docker("inspect", "-f", "{{.State.Error}}", "lost").ok());
      eventually("its processes are gone", () -> !Files.exists(Path.of("/proc/" + init)));
      engine.docker("start", "lost").ok();
      assertEquals("in", engine.docker("exec", "lost", "echo", "in").ok());
    }
  }

  @Test
  void aKilledGateTakesTheEngineAlongAndTheNextOneWaitsForThat() {
    try (Instance engine = Instance.start()) {
      engine.importBusybox();
      engine.docker("run", "-d", "--name", "lives", "busybox", "sleep", "1000").ok();
      String lives = pidOf(engine, "lives");
      ProcessHandle jvm = engine.engine();
      kill("KILL", engine.gate().pid());
      eventually("the gate is gone", () -> !engine.gate().isAlive());
      engine.startAgain();
      eventually("the former engine has ended", () -> !jvm.isAlive());
      engine.awaitAnswer(); // until then the former one may have answered
      assertEquals(lives, pidOf(engine, "lives"));
      assertTrue(engine.log().contains("has stopped"), "in order");
    }
  }

  @Test
  void withASocketFromOutsideTheEngineKeepsThePidfile(@TempDir Path folder) throws Exception {
    // As systemd hands it over: the listening socket is standard input.
    String listening =
        """
        import os, socket, sys
        s = socket.socket(socket.AF_UNIX)
        s.bind(sys.argv[1])
        s.listen(8)
        os.dup2(s.fileno(), 0)
        os.execv(sys.argv[2], sys.argv[2:])
        """;
    Path socket = folder.resolve("s");
    Path pidfile = folder.resolve("pid");
    Process gantryd =
        new ProcessBuilder(
                "python3",
                "-c",
                listening,
                socket.toString(),
                Instance.home().resolve("bin/gantryd").toString(),
                "--data-root=" + folder.resolve("data"),
                "--exec-root=" + folder.resolve("run"),
                "-p",
                pidfile.toString(),
                "-H",
                "fd://")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    try {
      try (Http http = new Http(socketOnceThere(socket))) {
        assertEquals("OK", http.call("GET", "/_ping", "").body());
      }
      assertEquals(gantryd.pid() + "", Files.readString(pidfile).strip());
      gantryd.destroy();
      within(Duration.ofSeconds(60), "it stops", () -> !gantryd.isAlive());
      assertFalse(Files.exists(pidfile));
    } finally {
      gantryd.descendants().forEach(ProcessHandle::destroyForcibly);
      gantryd.destroyForcibly();
    }
  }

  private static Path socketOnceThere(Path socket) {
    eventually("the socket is there", () -> Files.exists(socket));
    return socket;
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
        Command.run(Map.of(), Duration.ofSeconds(30), List.of("ps", "-o", "pgid=", "-p", "" + pid))
            .ok();
    return Long.parseLong(stat);
  }

  private static void kill(String signal, long target) {
    Command.run(
            Map.of(), Duration.ofSeconds(30), List.of("/bin/kill", "-" + signal, "--", "" + target))
        .ok();
  }

  private static String pidOf(Instance engine, String container) {
    return engine.docker("inspect", "-f", "{{.State.Pid}}", container).ok();
  }
}
