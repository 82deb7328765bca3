package io.gantry.launcher;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import java.io.IOException;
import java.io.Reader;
import java.lang.System.Logger;
import java.lang.management.ManagementFactory;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Main class of the engine's JVM. Order matters: the data root is taken before anything is made in
 * it, the listener is a service before a bundle asks for it, and the shutdown hook is set before
 * the first bundle starts, so that a SIGTERM during the start is an orderly stop too.
 */
public final class Main {

  /** Below the 20 s after which the gate kills. */
  private static final Duration STOP_LIMIT = Duration.ofSeconds(15);

  /** Whatever the exec root is: instances are told apart on the whole host. */
  private static final Path CLAIMS = Path.of("/run");

  /** A socket's path ends at 107 bytes: {@code /gantry-<8>/<16>/ctl.sock} has to fit. */
  private static final int LONGEST_EXEC_ROOT = 65;

  private Main() {}

  /**
   * @param arguments long flags with values, as {@code bin/gantryd} makes them
   */
  public static void main(String[] arguments) {
    // Whatever prints goes where the log goes.
    System.setOut(System.err);
    int exitCode;
    try {
      run(List.of(arguments));
      exitCode = 0;
    } catch (StartFailure e) {
      System.err.println("gantryd: " + e.getMessage());
      exitCode = e.exitCode();
    } catch (IOException | InterruptedException e) {
      System.err.println("gantryd: " + e);
      exitCode = StartFailure.IO_ERROR;
    }
    System.exit(exitCode);
  }

  private static void run(List<String> arguments)
      throws StartFailure, IOException, InterruptedException {
    Path home = Path.of(System.getProperty("gantry.home", "."));
    Options options = Options.parse(home, arguments);
    StderrLogging.setLevel(options.logLevel());
    Logger log = System.getLogger(Main.class.getName());
    ServerSocketChannel listener = inherited();
    Path runs = OwnedDirectory.check("exec root", options.execRoot(), true);
    checkLength(runs);
    Installation.check(home);
    DataRoot dataRoot = DataRoot.open(options.dataRoot(), pid(), CLAIMS);
    OwnedDirectory.check("configuration folder", options.etc(), false);
    Pidfile pidfile = Pidfile.write(options.pidfile(), pid());
    Path execRoot =
        OwnedDirectory.open(
            "exec root", runs.resolve("gantry-" + dataRoot.instance()), "rwx------");
    Features features = Features.read(home.resolve("features"));
    publish(home, options, dataRoot, execRoot, features);

    String packages = Files.readString(home.resolve("lib/packages")).strip();
    ClassPath classPath = new ClassPath(System.getProperty("java.class.path"));
    Platform platform = new Platform(execRoot.resolve("framework"), packages, features, classPath);
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> end(platform, dataRoot, pidfile, log), "gantry-stop"));
    platform.initialize();
    if (listener != null) {
      platform.offer(ServerSocketChannel.class, listener, "api");
    }
    Consumer<String> unable = platform::unable;
    platform.offer(Consumer.class, unable, "unable");
    platform.start(features);
    log.log(
        INFO,
        "engine {0} runs: {1} bundles, {2} ms after the JVM began",
        dataRoot.instance(),
        features.bundles().size(),
        System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime());
    CompilerDirectives.give(home.resolve("lib/compiler.json"));
    platform.waiting().forEach(component -> log.log(DEBUG, "component {0}", component));
    String rehearsal = System.getProperty("gantry.rehearsal");
    if (rehearsal != null) {
      new Rehearsal(Path.of(rehearsal)).run();
      return;
    }
    platform.await();
  }

  static void checkLength(Path execRoot) throws StartFailure {
    int bytes = execRoot.toString().getBytes(StandardCharsets.UTF_8).length;
    if (bytes > LONGEST_EXEC_ROOT) {
      throw new StartFailure(
          StartFailure.USAGE,
          "exec root %s is too long for the sockets in it: %d bytes, at most %d"
              .formatted(execRoot, bytes, LONGEST_EXEC_ROOT));
    }
  }

  /** Taken once and never closed: a close would turn descriptors 0 to 2 into /dev/null. */
  private static @Nullable ServerSocketChannel inherited() throws IOException, StartFailure {
    if (System.inheritedChannel() instanceof ServerSocketChannel listener) {
      return listener;
    }
    if (Boolean.getBoolean("gantry.inherited")) {
      throw new StartFailure(
          StartFailure.NO_INPUT, "-H fd:// needs a listening socket as standard input");
    }
    return null;
  }

  /** The process an operator knows: {@code bin/gantryd} hands on its pid, which the gate keeps. */
  private static long pid() {
    return Long.getLong("gantry.pid", ProcessHandle.current().pid());
  }

  /** System properties, which the framework hands on to bundles as its own. */
  private static void publish(
      Path home, Options options, DataRoot dataRoot, Path execRoot, Features features)
      throws IOException {
    Properties version = new Properties();
    try (Reader in = Files.newBufferedReader(home.resolve("lib/version"))) {
      version.load(in);
    }
    version.forEach((key, value) -> System.setProperty("gantry." + key, value.toString()));
    System.setProperty("gantry.home", home.toAbsolutePath().toString());
    System.setProperty("gantry.instance", dataRoot.instance());
    System.setProperty("gantry.data.root", dataRoot.path().toString());
    System.setProperty("gantry.exec.root", execRoot.toString());
    System.setProperty("gantry.etc", options.etc().toString());
    System.setProperty(
        "gantry.drivers",
        features.drivers().stream().map(ClassPath::location).collect(Collectors.joining(",")));
    options
        .settings()
        .forEach((setting, json) -> System.setProperty("gantry.set." + setting, json));
  }

  private static void end(Platform platform, DataRoot dataRoot, Pidfile pidfile, Logger log) {
    try {
      platform.stop(STOP_LIMIT);
      pidfile.remove();
      dataRoot.close();
      log.log(INFO, "engine {0} has stopped", dataRoot.instance());
    } catch (IOException | InterruptedException e) {
      log.log(WARNING, "engine " + dataRoot.instance() + " has not stopped in order: " + e, e);
    }
  }
}
