package io.gantry.itests.upgrade;

import static io.gantry.itests.harness.Eventually.eventually;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * One data root, two builds: the former one starts containers, the present one takes them over,
 * starts more, gives all back and gets them again. No container notices.
 */
@Tag("root")
@Timeout(600)
class UpgradeTest {

  private static final String ENDING =
      "trap 'echo bye; exit 7' TERM; echo ready; while :; do usleep 20000; done";

  @Test
  void theHelperOfTheFormerBuildIsAnotherOne() throws IOException {
    Path former = FormerBuild.home().resolve("lib/gantry-helper");
    Path present = Instance.home().resolve("lib/gantry-helper");
    assertTrue(Files.isExecutable(former), former.toString());
    assertFalse(
        Files.mismatch(former, present) < 0,
        "both builds have the same helper: name a former commit in PREVIOUS");
  }

  @Test
  void containersGoOnUnderBothBuilds() throws IOException {
    Path former = FormerBuild.home();
    // What both have; a container made with a storage driver of the present build only needs it.
    try (Instance engine = Instance.startAt(former, Files.createTempDirectory("gy"), "-s", "vfs")) {
      engine.importBusybox();
      Counter first = Counter.start(engine, "first");
      run(engine, "ends", "-d", "busybox", "sh", "-c", ENDING);
      run(engine, "dies", "-d", "busybox", "sh", "-c", ENDING);
      run(engine, "talks", "-di", "busybox", "cat");
      run(engine, "terminal", "-dit", "busybox", "sh");
      run(engine, "paused", "-d", "busybox", "sleep", "1000");
      run(engine, "gone", "-d", "--rm", "busybox", "sh", "-c", ENDING);
      engine.docker("pause", "paused").ok();
      engine.docker("exec", "-d", "first", "sleep", "1000").ok();
      for (String name : List.of("ends", "dies", "gone")) {
        eventually(name + " is ready", () -> logs(engine, name).equals("ready"));
      }
      String dies = Counter.pid(engine, "dies");
      String gone = Counter.pid(engine, "gone");

      engine.stop();
      terminate(dies);
      terminate(gone);
      engine.startAgainAs(Instance.home());
      first.check(engine, 0);
      assertEquals("exited 7", state(engine, "dies"));
      assertEquals("ready\nbye", logs(engine, "dies"));
      assertEquals("", engine.docker("ps", "-aq", "--filter", "name=gone").ok());
      assertEquals("paused 0", state(engine, "paused"));
      takesPart(engine, "first");
      talks(engine, "talks");
      resizes(engine, "terminal");
      assertEquals(1, count(engine.docker("top", "first").ok(), "sleep 1000"));

      run(engine, "checked", health("-d", "busybox", "sleep", "1000"));
      isChecked(engine, "checked");
      Counter second = Counter.start(engine, "second");
      run(engine, "renamed", "-d", "busybox", "sh", "-c", ENDING);
      engine.docker("update", "--restart", "on-failure:2", "renamed").ok();
      engine.docker("rename", "renamed", "other").ok();
      engine.docker("tag", "busybox", "also:1").ok();
      int counted = first.counted(engine);

      engine.stop();
      engine.startAgainAs(former);
      first.check(engine, counted);
      second.check(engine, 0);
      takesPart(engine, "second");
      takesPart(engine, "first");
      assertEquals(
          "other", engine.docker("ps", "--filter", "name=other", "--format", "{{.Names}}").ok());
      engine.docker("inspect", "also:1").ok();
      engine.docker("unpause", "paused").ok();
      Counter third = Counter.start(engine, "third");
      int further = second.counted(engine);

      engine.stop();
      engine.startAgainAs(Instance.home());
      first.check(engine, counted);
      second.check(engine, further);
      third.check(engine, 0);
      assertEquals("running 0", state(engine, "paused"));
      assertEquals(
          "on-failure 2",
          engine
              .docker(
                  "inspect",
                  "-f",
                  "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}",
                  "other")
              .ok());
      talks(engine, "talks");
      isChecked(engine, "checked");
      engine.docker("stop", "ends").ok();
      assertEquals("exited 7", state(engine, "ends"));
      assertEquals("ready\nbye", logs(engine, "ends"));
      engine.docker("start", "ends").ok();
      assertEquals("running 0", state(engine, "ends"));
      assertEquals(List.of(), setAside(engine.dataRoot()), "every record can be read");
    }
  }

  private static void run(Instance engine, String name, String... words) {
    String[] all = new String[words.length + 3];
    all[0] = "run";
    all[1] = "--name";
    all[2] = name;
    System.arraycopy(words, 0, all, 3, words.length);
    engine.docker(all).ok();
  }

  private static void takesPart(Instance engine, String name) {
    Command exec = engine.docker("exec", name, "sh", "-c", "echo in; exit 5");
    assertEquals("in", exec.out().strip());
    assertEquals(5, exec.exit());
  }

  /** Somebody attaches, says something, and cat says it again. */
  private static void talks(Instance engine, String name) throws IOException {
    ProcessBuilder builder = new ProcessBuilder("docker", "attach", "--sig-proxy=false", name);
    builder.environment().putAll(engine.environment());
    Process attached = builder.redirectErrorStream(true).start();
    try {
      attached.getOutputStream().write("hello\n".getBytes(UTF_8));
      attached.getOutputStream().flush();
      assertEquals("hello", attached.inputReader(UTF_8).readLine());
    } finally {
      attached.destroyForcibly();
    }
  }

  private static void resizes(Instance engine, String name) throws IOException {
    try (var http = engine.http()) {
      assertEquals(
          200, http.call("POST", "/v1.41/containers/" + name + "/resize?h=33&w=77", "").status());
    }
    assertEquals("33 77", engine.docker("exec", name, "sh", "-c", "stty size </proc/1/fd/0").ok());
  }

  private static String[] health(String... words) {
    var all = new ArrayList<>(List.of("--health-cmd", "test ! -e /sick"));
    all.addAll(List.of("--health-interval", "200ms", "--health-retries", "1"));
    all.addAll(List.of(words));
    return all.toArray(String[]::new);
  }

  /** It falls ill and gets well. */
  private static void isChecked(Instance engine, String name) {
    awaitHealth(engine, name, "healthy");
    engine.docker("exec", name, "touch", "/sick").ok();
    awaitHealth(engine, name, "unhealthy");
    engine.docker("exec", name, "rm", "/sick").ok();
    awaitHealth(engine, name, "healthy");
  }

  private static void awaitHealth(Instance engine, String name, String status) {
    eventually(
        name + " is " + status,
        () -> engine.docker("inspect", "-f", "{{.State.Health.Status}}", name).ok().equals(status));
  }

  private static void terminate(String pid) {
    ProcessHandle process = ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
    process.destroy();
    eventually(pid + " ends", () -> !process.isAlive());
  }

  private static String logs(Instance engine, String name) {
    return engine.docker("logs", name).ok();
  }

  private static String state(Instance engine, String name) {
    return engine.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name).ok();
  }

  private static int count(String text, String what) {
    return (int) text.lines().filter(line -> line.contains(what)).count();
  }

  private static List<String> setAside(Path root) throws IOException {
    try (var files = Files.walk(root)) {
      return files.map(Path::toString).filter(name -> name.endsWith(".damaged")).toList();
    }
  }
}
