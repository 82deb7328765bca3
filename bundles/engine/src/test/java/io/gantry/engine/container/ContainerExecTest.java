package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.api.ExecSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes in real containers that cannot be started, or not at once. */
@Tag("root")
@Timeout(180)
class ContainerExecTest {
  @TempDir Path scratch;
  private Engines.Home home;
  private Engines engine;
  private String id;

  @BeforeEach
  void start() throws Exception {
    home = Engines.Home.make(scratch);
    engine = new Engines(home);
    id = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(id);
  }

  @AfterEach
  void stop() {
    try {
      engine.containers.remove(id, true, true);
    } finally {
      engine.close();
      home.destroy();
    }
  }

  @Test
  void whyAnExecIsRefusedIsSaidOnItsStream() throws Exception {
    assertEquals(
        "127 unable to start container process: exec: \"\": executable file not found in $PATH",
        exec(List.of(""), List.of(), ""));
    assertEquals("128 Cwd must be an absolute path", exec(List.of("true"), List.of(), "a/b"));
    assertEquals(
        "127 unable to start container process: chdir to cwd (\"/nosuch\") set in config.json"
            + " failed: no such file or directory",
        exec(List.of("true"), List.of(), "/nosuch"));
    assertEquals(
        "128 unable to start container process: invalid environment variable: name cannot be empty",
        exec(List.of("true"), List.of("A=1", "=x"), ""));
    assertEquals(
        "126 unable to start container process: exec: \"/bin\": is a directory: permission denied",
        exec(List.of("/bin"), List.of(), ""));
    assertEquals(
        "255 unable to start container process: exec /bin/true: argument list too long",
        exec(List.of("/bin/true", "x".repeat(200_000)), List.of(), ""));
    assertEquals("3 ", exec(List.of("sh", "-c", "exit 3"), List.of(), ""));
  }

  /** It has the request and is killed before it does anything about it. */
  @Test
  void anExecWhoseParkedProcessIsKilledIsTriedOnceMore() throws Exception {
    assertEquals("0 1", exec(List.of("echo", "1"), List.of(), ""));
    var monitor =
        ProcessHandle.of(engine.containers.inspect(id).state().pid())
            .flatMap(ProcessHandle::parent)
            .orElseThrow();
    long parked =
        monitor
            .children()
            .map(ProcessHandle::pid)
            .filter(child -> stat(child).contains("(gantry-exec)"))
            .findAny()
            .orElseThrow();
    signal("STOP", parked);
    Await.until("it stands still", () -> stat(parked).contains(") T "));
    int before = files(monitor.pid());
    var second = CompletableFuture.supplyAsync(() -> exec(List.of("echo", "2"), List.of(), ""));
    Await.until("it is asked", () -> files(monitor.pid()) > before + 1);
    signal("KILL", parked);
    assertEquals("0 2", second.get(60, TimeUnit.SECONDS));
  }

  /** How it ends, and what is on its stream but for what all refusals begin with. */
  private String exec(List<String> args, List<String> env, String dir) {
    try {
      var spec = new ExecSpec(args, env, "", dir, false, false, true, true, false, "");
      String exec = engine.containers.createExec(id, spec);
      String said = Engines.text(engine.containers.startExec(exec, false, 0, 0));
      Await.until("it ends", () -> engine.containers.inspectExec(exec).exitCode() != null);
      return engine.containers.inspectExec(exec).exitCode()
          + " "
          + said.replaceFirst("^OCI runtime exec failed: exec failed: ", "").strip();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static void signal(String name, long pid) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(pid)).inheritIO().start().waitFor();
  }

  private static String stat(long pid) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int files(long pid) {
    return Objects.requireNonNull(Path.of("/proc", Long.toString(pid), "fd").toFile().list())
        .length;
  }
}
