package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The stock docker command line against the API over fake services. */
@Timeout(180)
class CliTest {

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() {
    assumeDocker();
    api = new Api(directory);
  }

  static void assumeDocker() {
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/docker"))
            || Files.isExecutable(Path.of("/usr/local/bin/docker")),
        "no docker command line here");
  }

  @AfterEach
  void stop() {
    if (api != null) {
      api.close();
    }
  }

  private record Ended(int code, String output) {}

  private Ended docker(String... arguments) throws Exception {
    var command = new ArrayList<>(List.of("docker"));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile(directory, "out", "");
    var builder = new ProcessBuilder(command);
    builder.environment().put("DOCKER_HOST", "unix://" + api.socket);
    builder.environment().put("DOCKER_CONFIG", directory.resolve("config").toString());
    builder.environment().remove("DOCKER_CONTEXT");
    builder.redirectErrorStream(true).redirectOutput(output.toFile());
    builder.redirectInput(new java.io.File("/dev/null"));
    Process process = builder.start();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("hangs: " + command + "\n" + Files.readString(output));
    }
    return new Ended(process.exitValue(), Files.readString(output));
  }

  @Test
  void runShowsOutputAndEndsWithTheContainersCode() throws Exception {
    api.containers.plays = true;
    var ran = docker("run", "--name", "web", "busybox", "echo", "hello");
    assertEquals("hello\n", ran.output());
    assertEquals(3, ran.code());
    assertEquals(List.of("echo", "hello"), api.containers.box("web").spec.process().cmd());
  }

  @Test
  void listsInspectsAndRemoves() throws Exception {
    assertEquals(0, docker("create", "--name", "web", "-p", "80:80", "busybox").code());
    assertEquals("web\n", docker("ps", "-a", "--format", "{{.Names}}").output());
    assertEquals("/web\n", docker("inspect", "-f", "{{.Name}}", "web").output());
    assertEquals("web\n", docker("rm", "-f", "web").output());
    var gone = docker("inspect", "web");
    assertEquals(1, gone.code());
    assertTrue(gone.output().contains("No such object: web"), gone.output());
  }

  @Test
  void logsAndExecAreRelayed() throws Exception {
    assertEquals(0, docker("create", "--name", "web", "busybox").code());
    assertEquals(0, docker("start", "web").code());
    api.containers.played = "kept\n";
    assertEquals("kept\n", docker("logs", "web").output());
    var exec = docker("exec", "web", "ls");
    assertEquals("kept\n", exec.output());
    assertEquals(0, exec.code());
  }

  @Test
  void importsTagsAndShowsImages() throws Exception {
    Path tar = Files.writeString(directory.resolve("a.tar"), "t".repeat(100_000));
    assertEquals(FakeImages.ID + "\n", docker("import", tar.toString(), "a:b").output());
    assertEquals(100_000, api.images.imported);
    assertEquals(0, docker("tag", "busybox", "c:d").code());
    assertTrue(docker("images").output().contains("busybox"));
    assertTrue(docker("history", "busybox").output().contains("Imported from -"));
    assertTrue(docker("rmi", "busybox").output().contains("Untagged: busybox:latest"));
  }

  @Test
  void infoVersionAndListsOfWhatIsNotThereAreUnderstood() throws Exception {
    for (String[] command :
        new String[][] {
          {"version"},
          {"info"},
          {"network", "ls"},
          {"network", "inspect", "none"},
          {"volume", "ls"},
          {"plugin", "ls"},
        }) {
      var ended = docker(command);
      assertEquals(0, ended.code(), String.join(" ", command) + "\n" + ended.output());
    }
    var push = docker("push", "alpine");
    assertEquals(0, push.code(), push.output());
    assertEquals(List.of("push docker.io/library/alpine:latest"), api.transfers.asked);
  }
}
