package io.gantry.itests.attacks;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Another engine, in a tree of its own: {@code GANTRY_PEERS} names the script that makes such
 * trees, {@code PEERS} the folder that they are in.
 */
final class Peer implements Subject {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  /**
   * What an attack that wins takes of the host: 6 GiB at most, and what it calls the host's
   * network, name and semaphores are its own. The process stays the same through all of it.
   */
  private static final String APART =
      """
      mkdir -p "$0" && echo 6G >"$0/memory.limit_in_bytes" && echo $$ >"$0/cgroup.procs" || exit 1
      exec unshare -i -u -n "$@"
      """;

  private final String name;
  private final String script;
  private final Map<String, String> environment;
  private final Path folder;
  private final String folderInside;
  private final List<String> command;
  private final Path group;
  private Process process;

  private Peer(String name, String suite, String folder, List<String> command) {
    this.name = name;
    this.script = System.getenv("GANTRY_PEERS");
    String trees = System.getenv().getOrDefault("PEERS", "/tmp/peers");
    this.environment = Map.of("PEERS", trees, "SUITE", suite);
    this.folder = Path.of(trees, folder);
    this.folderInside = "/peers/" + folder;
    this.command = command;
    this.group = Path.of("/sys/fs/cgroup/memory", "attacks-" + ProcessHandle.current().pid());
    Command.run(environment, Duration.ofMinutes(10), List.of(script, "setup")).ok();
    this.process = launch();
  }

  static Peer dockerd(String name, String suite, String folder) {
    String inside = "/peers/" + folder;
    return new Peer(
        name,
        suite,
        folder,
        List.of(
            "dockerd",
            "--data-root",
            inside + "/data",
            "--exec-root",
            inside + "/exec",
            "-p",
            inside + "/docker.pid",
            "-H",
            "unix://" + inside + "/docker.sock",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false"));
  }

  static Peer podman(String folder) {
    String inside = "/peers/" + folder;
    return new Peer(
        "podman",
        "trixie",
        folder,
        List.of(
            "env",
            "CONTAINERS_CONF=" + inside + "/containers.conf",
            "podman",
            "--root",
            inside + "/root",
            "--runroot",
            inside + "/run",
            "--cgroup-manager",
            "cgroupfs",
            "--runtime",
            "runc", // crun takes no hybrid hierarchy
            "system",
            "service",
            "-t",
            "0",
            "unix://" + inside + "/docker.sock"));
  }

  private Process launch() {
    try {
      Files.createDirectories(folder);
      Files.deleteIfExists(socket());
      Files.deleteIfExists(folder.resolve("docker.pid"));
      Files.writeString(
          folder.resolve("containers.conf"),
          "[containers]\ndefault_ulimits = [\"nofile=1024:20000\",\"nproc=4096:4096\"]\n");
      var words =
          new ArrayList<String>(List.of("sh", "-c", APART, group.toString(), script, "run"));
      words.addAll(command);
      var builder = new ProcessBuilder(words);
      builder.environment().putAll(environment);
      builder.environment().put(Gantry.SECRET, "engine-secret");
      Process started =
          builder
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
              .start();
      Eventually.within(LIMIT, name + " answers", this::answers);
      return started;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean answers() {
    if (!Files.exists(socket())) {
      return false;
    }
    try (Wire wire = new Wire(socket())) {
      return wire.send(Api.request("GET", "/info", "")).reply().status() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void revive() {
    if (!process.isAlive() || !answers()) {
      restart();
    }
  }

  /** Whatever still works on what nobody waits for ends with it. */
  void restart() {
    process.destroyForcibly().onExit().join();
    endAll();
    process = launch();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Path socket() {
    return folder.resolve("docker.sock");
  }

  @Override
  public Path canary() {
    return folder.resolve("canary");
  }

  @Override
  public String canaryOfEngine() {
    return folderInside + "/canary";
  }

  /** The script hands over to the engine by exec. */
  @Override
  public long pid() {
    return process.pid();
  }

  @Override
  public void close() {
    removeAll();
    process.destroy();
    try {
      Eventually.within(LIMIT, name + " ends", () -> !process.isAlive());
    } finally {
      process.destroyForcibly().onExit().join();
      endAll();
      Eventually.within(LIMIT, "its group can go", () -> group.toFile().delete());
    }
  }

  private void removeAll() {
    Api api = new Api(this);
    try {
      for (var row : api.get("/containers/json?all=1").json()) {
        api.remove(row.path("Id").asText());
      }
    } catch (IOException e) {
      // It hangs, and what it has is ended below.
    }
  }

  /** Ends what it started for itself: a containerd, shims, monitors. */
  private void endAll() {
    Eventually.within(
        LIMIT,
        "what " + name + " started ends",
        () -> {
          List<Long> left = processes();
          left.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
          return left.isEmpty();
        });
  }

  /** Those of its group, and monitors of podman, which leave it, with what they watch. */
  private List<Long> processes() {
    try {
      var all = new ArrayList<Long>();
      Files.readAllLines(group.resolve("cgroup.procs")).forEach(pid -> all.add(Long.valueOf(pid)));
      ProcessHandle.allProcesses()
          .filter(process -> commandLine(process).contains(folderInside + "/"))
          .flatMap(process -> Stream.concat(process.descendants(), Stream.of(process)))
          .forEach(process -> all.add(process.pid()));
      return all;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String commandLine(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"));
    } catch (IOException ended) {
      return "";
    }
  }
}
