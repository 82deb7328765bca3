package io.gantry.itests.harness;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/**
 * An engine of the distribution with everything of its own: data root, exec root, socket, all in
 * one scratch directory. Closing it removes its containers, stops it and fails when anything of it
 * is left on the host. Needs root.
 */
public final class Instance implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration MOMENT = Duration.ofSeconds(10);

  private Path home;
  private final Namespace space;
  private final Path scratch;
  private final Map<String, String> surroundings;
  private final List<String> flags;
  private Process gate;
  private String id = "";

  private Instance(
      Path home,
      Namespace space,
      Path scratch,
      Map<String, String> surroundings,
      List<String> flags) {
    this.home = home;
    this.space = space;
    this.scratch = scratch;
    this.surroundings = surroundings;
    this.flags = flags;
    this.gate = launch();
  }

  /** Starts an engine and waits until it answers; further flags go to gantryd as they are. */
  public static Instance start(String... flags) {
    return startIn(Map.of(), flags);
  }

  /** The same with variables added to gantryd's environment ({@code JAVA_HOME}). */
  public static Instance startIn(Map<String, String> surroundings, String... flags) {
    try {
      Path scratch = Files.createTempDirectory("gy");
      return begin(home(), Namespace.ofHost(), scratch, surroundings, flags);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The same in a network namespace of the caller's, who closes it afterwards. */
  public static Instance startIn(Namespace space, String... flags) {
    try {
      return begin(home(), space, Files.createTempDirectory("gy"), Map.of(), flags);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The same with an installation and a scratch directory of the caller's choice; {@link #close}
   * removes the latter.
   */
  public static Instance startAt(Path home, Path scratch, String... flags) {
    return startAt(home, Namespace.ofHost(), scratch, flags);
  }

  /** The same in a network namespace of the caller's, who closes it afterwards. */
  public static Instance startAt(Path home, Namespace space, Path scratch, String... flags) {
    return begin(home, space, scratch, Map.of(), flags);
  }

  private static Instance begin(
      Path home, Namespace space, Path scratch, Map<String, String> surroundings, String... flags) {
    Instance instance = new Instance(home, space, scratch, surroundings, List.of(flags));
    try {
      instance.awaitAnswer();
      return instance;
    } catch (AssertionError e) {
      String log = instance.log();
      instance.discard();
      throw new AssertionError(e.getMessage() + "\n" + log, e);
    }
  }

  /** The unpacked distribution; from the system property {@code gantry.home}. */
  public static Path home() {
    return Path.of(Objects.requireNonNull(System.getProperty("gantry.home"), "gantry.home"));
  }

  /** A driver built once more with the version {@code VERSION.1}. */
  public static Path sample(String symbolicName) {
    return jar(home().resolve("samples"), symbolicName);
  }

  /** A driver as it is shipped. */
  public static Path shipped(String symbolicName) {
    return jar(home().resolve("bundles"), symbolicName);
  }

  private static Path jar(Path folder, String symbolicName) {
    try (Stream<Path> jars = Files.list(folder)) {
      return jars.filter(jar -> jar.getFileName().toString().startsWith(symbolicName + "-"))
          .findFirst()
          .orElseThrow(() -> new AssertionError("no " + symbolicName + " in " + folder));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Path scratch() {
    return scratch;
  }

  public Path socket() {
    return scratch.resolve("docker.sock");
  }

  public Path dataRoot() {
    return scratch.resolve("data");
  }

  /** Where its networks are. */
  public Namespace space() {
    return space;
  }

  /** What it has on the host. */
  public Belongings belongings() {
    return new Belongings(space, scratch, dataRoot(), id);
  }

  /** Of the instance whose data root is there now: another one, where a disk was mounted. */
  public void forgetNetworks() {
    try {
      String present = Files.readString(dataRoot().resolve("instance")).strip();
      new Belongings(space, scratch, dataRoot(), present).forgetNetworks();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the engine and the gate have said so far. */
  public String log() {
    try {
      return Files.readString(scratch.resolve("log"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The gate: the process that an operator starts and stops. */
  public ProcessHandle gate() {
    return gate.toHandle();
  }

  /** The JVM behind the gate. */
  public ProcessHandle engine() {
    List<ProcessHandle> found = new ArrayList<>();
    Eventually.eventually(
        "the gate runs a JVM",
        () -> {
          found.clear();
          gate.children().filter(Instance::isJava).forEach(found::add);
          return found.size() == 1;
        });
    return found.get(0);
  }

  private static boolean isJava(ProcessHandle process) {
    return process.info().command().filter(command -> command.endsWith("/java")).isPresent();
  }

  /** Runs the stock docker command line on this engine. */
  public Command docker(String... words) {
    return docker(new byte[0], words);
  }

  public Command docker(byte[] input, String... words) {
    return Command.run(environment(), LIMIT, words("docker", words), input);
  }

  /** What makes a docker client talk to this engine and leave the user's configuration alone. */
  public Map<String, String> environment() {
    return Map.of(
        "DOCKER_HOST",
        "unix://" + socket(),
        "DOCKER_CONFIG",
        scratch.resolve("config").toString(),
        "DOCKER_CLI_HINTS",
        "false");
  }

  public Http http() throws IOException {
    return new Http(socket());
  }

  /** A connector as JConsole's for a local process. */
  @SuppressWarnings("BanJNDI") // the address comes from the JVM that was attached to
  public JMXConnector jmx() throws IOException {
    try {
      VirtualMachine machine = VirtualMachine.attach(Long.toString(engine().pid()));
      try {
        return JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent()));
      } finally {
        machine.detach();
      }
    } catch (AttachNotSupportedException e) {
      throw new IOException("cannot attach to the engine", e);
    }
  }

  /** Makes the image {@code busybox:latest} from this host's static busybox. */
  public void importBusybox() {
    Path root = scratch.resolve("busybox");
    String script =
        """
        set -e
        mkdir -p "$0"/bin "$0"/etc "$0"/tmp "$0"/root
        cp "$(command -v busybox)" "$0"/bin/busybox
        for applet in $(busybox --list | grep -vx busybox); do ln -sf busybox "$0/bin/$applet"; done
        echo root:x:0:0:root:/root:/bin/sh >"$0"/etc/passwd
        echo root:x:0: >"$0"/etc/group
        tar -C "$0" -c . | docker import -c 'CMD ["sh"]' - busybox:latest
        """;
    Command.run(environment(), LIMIT, List.of("sh", "-c", script, root.toString())).ok();
  }

  /** Stops the engine as an operator does; containers go on. */
  public void stop() {
    gate.destroy();
    Eventually.within(LIMIT, "gantryd ends after SIGTERM", () -> !gate.isAlive());
  }

  /** Starts it again after {@link #stop}. */
  public void startAgain() {
    gate = launch();
    awaitAnswer();
  }

  /** Starts another build on the same data root after {@link #stop}. */
  public void startAgainAs(Path other) {
    home = other;
    startAgain();
  }

  /** Every process of it ends at once, as when the power goes; {@link #startAgain} goes on. */
  public void cutPower() {
    belongings().end(gate.toHandle());
  }

  /** Ends and removes all there is of it, whatever state it is in. */
  public void discard() {
    try {
      cutPower();
    } finally {
      String claim = "/run/gantry-" + (id.isEmpty() ? "none" : id) + ".lock"; // of one killed
      Command.run(Map.of(), LIMIT, List.of("rm", "-rf", scratch.toString(), claim));
    }
  }

  private Process launch() {
    List<String> words = new ArrayList<>();
    words.add(home.resolve("bin/gantryd").toString());
    words.addAll(List.of("--data-root", dataRoot().toString()));
    words.addAll(List.of("--exec-root", scratch.resolve("run").toString()));
    words.addAll(
        List.of("-H", "unix://" + socket(), "--pidfile", scratch.resolve("pid").toString()));
    words.addAll(flags);
    try {
      ProcessBuilder builder = new ProcessBuilder(space.words(words));
      builder.environment().putAll(surroundings);
      return builder
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.appendTo(scratch.resolve("log").toFile()))
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns when it answers, and stateful calls with it. */
  public void awaitAnswer() {
    Eventually.within(
        Duration.ofSeconds(90),
        "the engine answers",
        () -> {
          if (!gate.isAlive()) {
            throw new AssertionError("gantryd ended with " + gate.exitValue() + ": " + log());
          }
          return Files.exists(socket()) && answers();
        });
    if (id.isEmpty()) { // its disk may be unreadable later
      try {
        id = Files.readString(dataRoot().resolve("instance")).strip();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private boolean answers() {
    try (Http http = http()) {
      return http.call("GET", "/_ping", "").status() == 200
          && http.call("GET", "/info", "").status() == 200;
    } catch (IOException e) {
      return false; // not yet
    }
  }

  @Override
  public void close() {
    try {
      if (!gate.isAlive()) {
        startAgain();
      }
      String ids = docker("ps", "-aq").ok();
      if (!ids.isEmpty()) {
        docker(Stream.concat(Stream.of("rm", "-f"), ids.lines()).toArray(String[]::new)).ok();
      }
      stop();
      List<String> left = leftAtLast();
      if (!left.isEmpty()) {
        throw new AssertionError("left behind: " + left + "\n" + log());
      }
    } finally {
      discard();
    }
  }

  /** The last helpers end when the engine has told them to, a moment after it. */
  private List<String> leftAtLast() {
    long end = System.nanoTime() + MOMENT.toNanos();
    List<String> left = left();
    while (!left.isEmpty() && System.nanoTime() < end) {
      LockSupport.parkNanos(MOMENT.dividedBy(50).toNanos());
      left = left();
    }
    return left;
  }

  /** Mounts, processes and control groups that still bear this instance's mark. */
  private List<String> left() {
    List<String> left = new ArrayList<>();
    try {
      String id = Files.readString(dataRoot().resolve("instance")).strip();
      Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
          .filter(line -> line.contains(scratch.toString()))
          .forEach(line -> left.add("mount " + line));
      ProcessHandle.allProcesses()
          .filter(process -> commandLine(process).contains(scratch.toString()))
          .forEach(process -> left.add("process " + process.pid() + " " + commandLine(process)));
      // Zygotes and monitors have no command line of ours, but sockets.
      Files.readAllLines(space.proc().resolve("unix")).stream()
          .filter(line -> line.contains(scratch.toString()))
          .forEach(line -> left.add("socket " + line));
      new Belongings(space, scratch, dataRoot(), id)
          .controlGroups()
          .forEach(path -> left.add("control group " + path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return left;
  }

  private static String commandLine(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc/" + process.pid() + "/cmdline")).replace('\0', ' ');
    } catch (IOException e) {
      return ""; // it has just ended
    }
  }

  private static List<String> words(String first, String... others) {
    return Stream.concat(Stream.of(first), Arrays.stream(others)).toList();
  }
}
