package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView.Status;
import io.gantry.api.ExecSpec;
import io.gantry.api.Health;
import io.gantry.api.HealthCheck;
import io.gantry.linux.CgroupTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Health checks of containers that run. */
class HealthTest extends WithEngine {
  private static final Duration OFTEN = Duration.ofMillis(50);

  private static HealthCheck check(Duration interval, int retries, String... test) {
    return new HealthCheck(
        List.of(test), interval, Duration.ofSeconds(20), Duration.ZERO, Duration.ZERO, retries);
  }

  private String started(HealthCheck check, Map<String, String> labels) {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.health = check;
              s.stopTimeout = 0;
              s.labels = labels;
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    return id;
  }

  private String started(HealthCheck check) {
    return started(check, Map.of());
  }

  private Health health(String id) {
    return Objects.requireNonNull(engine.containers.inspect(id).state().health());
  }

  private void await(String id, Health.Status status) {
    Await.until(id + " is " + status, () -> health(id).status() == status);
  }

  private void touch(String id, String file) throws Exception {
    var exec =
        new ExecSpec(
            List.of("touch", file), List.of(), "", "", false, false, true, true, false, "");
    var stream = engine.containers.startExec(engine.containers.createExec(id, exec), false, 0, 0);
    assertEquals("", Engines.text(stream));
  }

  @Test
  void failuresInARowMakeItUnhealthyAndOneSuccessHealthy() throws Exception {
    String id = started(check(OFTEN, 2, "CMD-SHELL", "echo out; echo err >&2; test -e /ok"));
    await(id, Health.Status.UNHEALTHY);
    assertTrue(health(id).failingStreak() >= 2);
    var result = health(id).log().get(0);
    assertEquals(1, result.exitCode());
    assertTrue(result.output().contains("out\n") && result.output().contains("err\n"));
    touch(id, "/ok");
    await(id, Health.Status.HEALTHY);
    assertEquals(0, health(id).failingStreak());
    Await.until("five results", () -> health(id).log().size() == 5);

    var told = new ArrayList<>(engine.actions());
    told.removeIf(action -> action.contains("touch"));
    int at = told.indexOf("health_status: unhealthy");
    String line = "/bin/sh -c echo out; echo err >&2; test -e /ok";
    assertEquals(
        List.of("exec_create: " + line, "exec_start: " + line, "exec_die"),
        told.subList(at - 3, at));
    assertEquals(1, told.stream().filter("health_status: unhealthy"::equals).count());
    Await.until("told", () -> engine.actions().contains("health_status: healthy"));

    engine.containers.stop(id, "KILL", null);
    assertEquals(Health.Status.UNHEALTHY, health(id).status(), "as dockerd says of what has ended");
    assertEquals(5, health(id).log().size());
  }

  @Test
  void theOutputIsCut() {
    String id = started(check(OFTEN, 1, "CMD", "seq", "1", "100000"));
    await(id, Health.Status.HEALTHY);
    String output = health(id).log().get(0).output();
    assertEquals(4096 + 3, output.length());
    assertTrue(output.startsWith("1\n2\n") && output.endsWith("..."));
  }

  @Test
  void aCheckThatTakesTooLongIsKilledWithAllItStarted() {
    var check =
        new HealthCheck(
            List.of("CMD-SHELL", "echo so far; sleep 771 & sleep 772"),
            OFTEN,
            Duration.ofMillis(400),
            Duration.ZERO,
            Duration.ZERO,
            1);
    String id = started(check);
    await(id, Health.Status.UNHEALTHY);
    var result = health(id).log().get(0);
    assertEquals(-1, result.exitCode());
    assertEquals("Health check exceeded timeout (400ms): so far\n", result.output());
    engine.containers.pause(id); // no further one
    var group = CgroupTree.detect().group(home.place().cgroupParent(), id);
    var left =
        group.pids().stream().filter(pid -> commandLine(pid).contains("sleep\00077")).count();
    assertTrue(left <= 2, "sleepers of earlier checks: " + left);
    engine.containers.unpause(id);
  }

  private static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline"));
    } catch (IOException e) {
      return "";
    }
  }

  @Test
  void whatCannotBeRunFails() {
    String id = started(check(OFTEN, 1, "CMD", "nosuch", "x"));
    await(id, Health.Status.UNHEALTHY);
    var result = health(id).log().get(0);
    assertEquals(-1, result.exitCode());
    assertEquals(
        "OCI runtime exec failed: exec failed: unable to start container process: exec:"
            + " \"nosuch\": executable file not found in $PATH",
        result.output());
  }

  @Test
  void failuresOfTheStartPeriodDoNotCount() {
    var check =
        new HealthCheck(
            List.of("CMD", "false"),
            Duration.ofHours(1),
            Duration.ZERO,
            Duration.ofSeconds(20),
            OFTEN,
            1);
    String id = started(check);
    Await.until("checked often", () -> health(id).log().size() == 5);
    assertEquals(Health.Status.STARTING, health(id).status());
    assertEquals(0, health(id).failingStreak());
  }

  @Test
  void noCheckNoHealth() {
    assertNull(engine.containers.inspect(started(check(OFTEN, 1, "NONE"))).state().health());
    assertNull(engine.containers.inspect(started(check(OFTEN, 1, "CMD"))).state().health());
    assertNull(engine.containers.inspect(started(check(OFTEN, 1, "OTHER", "x"))).state().health());
  }

  @Test
  void whatStandsStillIsNotChecked() {
    String id = started(check(OFTEN, 1, "CMD", "true"));
    await(id, Health.Status.HEALTHY);
    engine.containers.pause(id);
    Await.until("the last check is over", () -> engine.containers.inspect(id).execs().isEmpty());
    var last = health(id);
    long checks = engine.actions().stream().filter("exec_create: true"::equals).count();
    var other = started(check(OFTEN, 1, "CMD", "echo", "x"));
    Await.until("the other was checked meanwhile", () -> health(other).log().size() == 5);
    assertEquals(last, health(id));
    assertEquals(checks, engine.actions().stream().filter("exec_create: true"::equals).count());
    engine.containers.unpause(id);
    Await.until("it goes on", () -> !health(id).equals(last));
    assertEquals(Health.Status.HEALTHY, health(id).status());
  }

  @Test
  void theNextEngineGoesOnWithTheStreak() {
    String id = started(check(Duration.ofMillis(300), 2, "CMD", "false"));
    Await.until("some failures", () -> health(id).failingStreak() >= 3);
    engine.close();
    engine = new Engines(home);
    var found = health(id);
    assertTrue(found.failingStreak() >= 3, found.toString());
    assertEquals(Health.Status.UNHEALTHY, found.status());
    Await.until("it goes on", () -> health(id).failingStreak() > found.failingStreak());
    engine.containers.remove(id, true, true);
    assertTrue(isEmpty(home.place().execRoot().resolve("health")));
  }

  private static boolean isEmpty(Path folder) {
    try (var files = Files.list(folder)) {
      return files.findAny().isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whatChangedWithoutAnEngineIsToldByTheNext() throws Exception {
    String id = started(check(OFTEN, 2, "CMD-SHELL", "echo x >> /count; test ! -e /sick"));
    await(id, Health.Status.HEALTHY);
    Await.until("told", () -> engine.actions().contains("health_status: healthy"));
    var last = health(id).log().get(health(id).log().size() - 1);
    touch(id, "/sick");
    engine.close();
    Path root = Path.of("/proc/" + engine.containers.inspect(id).state().pid() + "/root");
    long checks = lines(root.resolve("count"));
    Await.until("it is checked on", () -> lines(root.resolve("count")) >= checks + 8);
    engine = new Engines(home);
    var found = health(id);
    assertEquals(Health.Status.UNHEALTHY, found.status());
    assertTrue(found.failingStreak() >= 7, found.toString());
    assertEquals(5, found.log().size());
    assertTrue(found.log().get(0).start().isAfter(last.end()), found.toString());
    Await.until("told", () -> engine.actions().contains("health_status: unhealthy"));
    engine.close();
    engine = new Engines(home);
    Await.until("it goes on", () -> health(id).failingStreak() > found.failingStreak() + 2);
    assertFalse(engine.actions().contains("health_status: unhealthy"), "told once");
  }

  private static long lines(Path file) {
    try (var lines = Files.lines(file)) {
      return lines.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aCheckThatTakesItsTimeIsSeenAndGoesOnWhenItsEngineEnds() {
    String id = started(check(OFTEN, 1, "CMD", "sleep", "881"));
    Await.until("it is told", () -> engine.actions().contains("exec_start: sleep 881"));
    Await.until("it is listed", () -> engine.containers.inspect(id).execs().size() == 1);
    var group = CgroupTree.detect().group(home.place().cgroupParent(), id);
    var sleeper =
        group.pids().stream().filter(pid -> commandLine(pid).contains("881")).findAny().get();
    engine.close();
    engine = new Engines(home);
    assertTrue(commandLine(sleeper).contains("881"));
    assertEquals(Health.Status.STARTING, health(id).status());
    ProcessHandle.of(sleeper).orElseThrow().destroyForcibly();
    await(id, Health.Status.UNHEALTHY);
    assertEquals(137, health(id).log().get(0).exitCode());
    Await.until("it is told", () -> engine.actions().contains("exec_die"));
  }

  @Test
  void anUnhealthyOneIsStartedAgainWhenItsLabelSaysSo() {
    String id =
        started(check(OFTEN, 2, "CMD", "false"), Map.of("io.gantry.restart-unhealthy", "true"));
    Await.until("again", () -> engine.containers.inspect(id).restartCount() >= 2);
    engine.containers.stop(id, "KILL", Duration.ofSeconds(5));
    assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());
    int restarts = engine.containers.inspect(id).restartCount();
    String other = started(check(OFTEN, 1, "CMD", "false"));
    await(other, Health.Status.UNHEALTHY);
    Await.until("checked on", () -> health(other).failingStreak() >= 5);
    assertEquals(0, engine.containers.inspect(other).restartCount());
    assertEquals(restarts, engine.containers.inspect(id).restartCount());
    assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());
  }
}
