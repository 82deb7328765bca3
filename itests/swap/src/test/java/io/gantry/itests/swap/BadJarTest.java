package io.gantry.itests.swap;

import static java.nio.file.attribute.PosixFilePermissions.fromString;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Jars that are no good, in place of drivers that were shipped, while containers run: each is
 * refused with a sentence that says why and what to do, and the former driver serves as before.
 */
@Tag("root")
@Timeout(300)
class BadJarTest {

  private static final String STORAGE = "io.gantry.storage.overlay";
  private static final String EXEC = "io.gantry.exec.namespaces";

  @TempDir static Path folder;
  private static final AtomicInteger number = new AtomicInteger();

  private static Instance engine;
  private static JMXConnector connector;
  private static MBeanServerConnection jmx;

  /** A way to bring in a jar; returns what it is answered, empty when it was taken. */
  private enum Way {
    JMX {
      @Override
      String bring(Target target, Path jar) {
        try {
          jmx.invoke(
              new ObjectName("io.gantry:type=Drivers"),
              "update",
              new Object[] {target.kind, target.name, jar.toString()},
              new String[] {"java.lang.String", "java.lang.String", "java.lang.String"});
          return "";
        } catch (Exception e) {
          return rootCause(e).toString();
        }
      }
    },
    HTTP {
      @Override
      String bring(Target target, Path jar) throws IOException {
        Http.Answer answer =
            post(
                "/gantry/v1/drivers/%s/%s/update".formatted(target.kind, target.name),
                "{\"jar\": \"%s\"}".formatted(jar));
        return answer.status() == 200 ? "" : answer.body();
      }
    },
    DEPLOY {
      @Override
      String bring(Target target, Path jar) throws IOException {
        Path deploy = engine.dataRoot().resolve("deploy");
        Path dropped = deploy.resolve(jar.getFileName());
        Path reason = deploy.resolve(jar.getFileName() + ".rejected.txt");
        Files.deleteIfExists(reason);
        Path scratch =
            Files.copy(
                jar,
                deploy.resolve(".incoming"),
                StandardCopyOption.REPLACE_EXISTING,
                StandardCopyOption.COPY_ATTRIBUTES);
        Files.move(scratch, dropped, StandardCopyOption.ATOMIC_MOVE);
        Eventually.within(
            Duration.ofSeconds(60), dropped + " goes away", () -> !Files.exists(dropped));
        Eventually.eventually(
            dropped + " is taken in or has a reason",
            () -> Files.exists(reason) || target.version().equals(versionOf(jar)));
        return Files.exists(reason) ? Files.readString(reason) : "";
      }
    };

    abstract String bring(Target target, Path jar) throws IOException;
  }

  /** A driver that was shipped. */
  private record Target(String kind, String name, String bundle) {

    static final Target STORAGE_OVERLAY = new Target("StorageDriver", "overlay", STORAGE);
    static final Target EXEC_NAMESPACES = new Target("ExecDriver", "namespaces", EXEC);

    String version() {
      return attribute("BundleVersion");
    }

    String attribute(String attribute) {
      try {
        ObjectName bean = new ObjectName("io.gantry:type=" + kind + ",name=" + name);
        return jmx.getAttribute(bean, attribute).toString();
      } catch (Exception e) {
        throw new AssertionError("cannot read " + attribute + " of " + this, e);
      }
    }
  }

  /** What is wrong with a jar, and the words it must be answered with. */
  private enum Fault {
    DOES_NOT_RESOLVE("it does not resolve") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.clause("Import-Package", "no.such.thing;version=\"[1,2)\"");
      }
    },
    REGISTERS_NOTHING("it does not register") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.header("Service-Component", "");
      }
    },
    THROWS_IN_ITS_CONSTRUCTOR("it could not be started") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing(BadDriver.THROW, "", "");
      }
    },
    THROWS_IN_PROBE("its probe failed") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing("", BadDriver.THROW, "");
      }
    },
    IS_NOT_SUPPORTED("this host cannot run it: not here") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing("", "if (true) return io.gantry.spi.Support.no(\"not here\");", "");
      }
    },
    THROWS_IN_RECOVER("its recover failed") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing("", "", BadDriver.THROW);
      }
    },
    RETURNS_NOTHING_FROM_RECOVER("its recover failed") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing("", "", "");
      }
    },
    LACKS_A_CLASS("NoClassDefFoundError") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing("", "", "if (true) throw new NoClassDefFoundError(\"no/such/Thing\");");
      }
    },
    SLEEPS_IN_ITS_CONSTRUCTOR("within 2 s") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing(BadDriver.SLEEP, "", "");
      }
    },
    HANGS_IN_ITS_CONSTRUCTOR("within 2 s") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing(BadDriver.HANG, "", "");
      }
    },
    HANGS_IN_PROBE("within 2 s") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing("", BadDriver.HANG, "");
      }
    },
    HANGS_IN_RECOVER("within 2 s") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.doing("", "", BadDriver.HANG);
      }
    },
    IS_NOT_OF_THIS_BUNDLE("to add a bundle, install it") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.header("Bundle-SymbolicName", "org.example.other");
      }

      @Override
      boolean holdsFor(Way way) {
        return way != Way.DEPLOY;
      }
    },
    HAS_NO_SYMBOLIC_NAME("is not an OSGi bundle") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.header("Bundle-SymbolicName", "");
      }
    },
    HAS_A_VERSION_THAT_IS_NONE("Bundle-Version that is none") {
      @Override
      BadDriver in(BadDriver driver) {
        return driver.version("one.two");
      }
    };

    private final String words;

    Fault(String words) {
      this.words = words;
    }

    abstract BadDriver in(BadDriver driver);

    boolean holdsFor(Way way) {
      return true;
    }
  }

  @BeforeAll
  static void start() throws Exception {
    Path etc = Files.createDirectory(folder.resolve("etc"));
    Files.writeString(
        etc.resolve("io.gantry.engine.json"), "{\"recoverSeconds\": 2, \"drainSeconds\": 2}");
    engine = Instance.start("--etc", etc.toString());
    engine.importBusybox();
    connect();
  }

  private static void connect() throws IOException {
    connector = engine.jmx();
    jmx = connector.getMBeanServerConnection();
  }

  @AfterAll
  static void stop() throws Exception {
    try {
      connector.close();
    } finally {
      engine.close();
    }
  }

  /** Every fault of either driver, in one of the ways; each way sees every fault or its like. */
  static Stream<Arguments> faults() {
    List<Arguments> faults = new ArrayList<>();
    for (Target target : List.of(Target.STORAGE_OVERLAY, Target.EXEC_NAMESPACES)) {
      for (Fault fault : Fault.values()) {
        Way way = Way.values()[(fault.ordinal() + target.name.length()) % Way.values().length];
        faults.add(Arguments.of(target, fault, fault.holdsFor(way) ? way : Way.JMX));
      }
    }
    return faults.stream();
  }

  @ParameterizedTest
  @MethodSource("faults")
  void theFormerDriverServesAgain(Target target, Fault fault, Way way) throws Exception {
    BadDriver driver = BadDriver.of(target.bundle).version("0.2.0." + next());
    refused(way, target, fault.in(driver).to(jar(fault.toString())), fault.words);
    taken(way, target);
  }

  @ParameterizedTest
  @MethodSource("ways")
  void aJarThatIsCutShortIsRefused(Way way) throws Exception {
    Path whole = Instance.sample(STORAGE);
    byte[] bytes = Files.readAllBytes(whole);
    Path cut = jar("cut");
    Files.write(cut, Arrays.copyOf(bytes, bytes.length / 2));
    refused(way, Target.STORAGE_OVERLAY, cut, "is not a jar that can be read");
  }

  @ParameterizedTest
  @MethodSource("ways")
  void aJarThatOthersMayWriteIsRefused(Way way) throws Exception {
    Path jar = BadDriver.of(STORAGE).version("0.2.0." + next()).to(jar("writable"));
    Files.setPosixFilePermissions(jar, fromString("rw-rw-rw-"));
    refused(way, Target.STORAGE_OVERLAY, jar, "is writable by others");
  }

  @ParameterizedTest
  @MethodSource("ways")
  void aFileThatIsNotThereIsRefused(Way way) throws Exception {
    if (way != Way.DEPLOY) {
      refused(way, Target.STORAGE_OVERLAY, folder.resolve("nowhere.jar"), "no such file");
    }
  }

  @ParameterizedTest
  @MethodSource("ways")
  void aJarInAFolderThatOthersMayWriteIsRefused(Way way) throws Exception {
    Path open =
        way == Way.DEPLOY
            ? engine.dataRoot().resolve("deploy")
            : Files.createDirectories(folder.resolve("open"));
    Path jar = BadDriver.of(STORAGE).version("0.2.0." + next()).to(open.resolve("good.jar.tmp"));
    Files.setPosixFilePermissions(open, fromString("rwxrwxrwx"));
    try {
      Path seen = Files.move(jar, open.resolve("good-" + next() + ".jar"));
      if (way == Way.DEPLOY) {
        Eventually.eventually(
            "the log says so", () -> engine.log().contains(open + " is writable by others"));
        assertTrue(Files.exists(seen), "it is not touched");
        Files.delete(seen);
      } else {
        refused(way, Target.STORAGE_OVERLAY, seen, open + " is writable by others");
      }
    } finally {
      Files.setPosixFilePermissions(open, fromString("rwx------"));
    }
  }

  @ParameterizedTest
  @MethodSource("ways")
  void theVersionThatRunsIsRefused(Way way) throws Exception {
    String version = Target.STORAGE_OVERLAY.version();
    Path jar = BadDriver.of(STORAGE).version(version).to(jar("same"));
    refused(way, Target.STORAGE_OVERLAY, jar, "runs already; give the new jar another version");
  }

  static Stream<Way> ways() {
    return Stream.of(Way.values());
  }

  @Test
  void aNewBundleIsInstalledAndItsDriverMadeTheDefault() throws Exception {
    Path jar =
        BadDriver.of("io.gantry.storage.vfs")
            .header("Bundle-SymbolicName", "org.example.storage")
            .version("1.0.0")
            .driver("new")
            .to(jar("new"));
    Http.Answer installed = post("/gantry/v1/drivers/install", "{\"jar\": \"%s\"}".formatted(jar));
    assertEquals(200, installed.status(), installed::body);
    assertTrue(installed.body().contains("\"name\":\"new\""), installed::body);
    engine.docker("create", "--name", "older", "busybox", "echo", "older").ok();
    assertEquals(200, post("/gantry/v1/drivers/StorageDriver/new/default", "").status());
    try {
      assertEquals("new", engine.docker("info", "-f", "{{.Driver}}").ok());
      assertEquals("older", engine.docker("start", "-a", "older").ok());
      assertEquals("hi", engine.docker("run", "--name", "newer", "busybox", "echo", "hi").ok());
      assertEquals("new", engine.docker("inspect", "-f", "{{.GraphDriver.Name}}", "newer").ok());
      assertEquals(
          "overlay2", engine.docker("inspect", "-f", "{{.GraphDriver.Name}}", "older").ok());
      Http.Answer nothing = post("/gantry/v1/drivers/StorageDriver/new/rollback", "");
      assertEquals(409, nothing.status(), nothing::body);
      restart();
      assertEquals("new", engine.docker("info", "-f", "{{.Driver}}").ok());
      assertEquals("hi", engine.docker("start", "-a", "newer").ok());
    } finally {
      assertEquals(200, post("/gantry/v1/drivers/StorageDriver/overlay/default", "").status());
    }
    engine.docker("rm", "older", "newer").ok();
    assertEquals("overlay2", engine.docker("info", "-f", "{{.Driver}}").ok());
    Http.Answer none = post("/gantry/v1/drivers/StorageDriver/nobody/default", "");
    assertEquals(404, none.status(), none::body);
  }

  private static void restart() throws IOException {
    connector.close();
    engine.stop();
    engine.startAgain();
    connect();
  }

  /** Neither in its own time nor when it is told to: the next one serves all the same. */
  @Test
  void oneThatHangsInItsStopIsLeftBehind() throws Exception {
    Target target = Target.EXEC_NAMESPACES;
    String stuck = "0.2.0." + next();
    Path jar = BadDriver.of(EXEC).version(stuck).stopping(BadDriver.HANG).to(jar("stuck"));
    assertEquals("", Way.JMX.bring(target, jar));
    assertEquals(stuck, target.version());
    taken(Way.JMX, target);
    assertEquals(
        "its version " + stuck + " hangs in its stop and was left behind: restart the engine",
        target.attribute("Reason"));
    assertEquals("ACTIVE", target.attribute("State"));
    assertTrue(engine.log().contains(EXEC + " " + stuck + " hangs in its stop and is left behind"));
    taken(Way.JMX, target); // it is as good as any
    restart();
    assertEquals("", target.attribute("Reason"));
    assertEquals("hi", engine.docker("run", "--rm", "busybox", "echo", "hi").ok());
  }

  /** Of its two drivers the host may have something for one only, which is nobody's mistake. */
  @Test
  void aBundleIsTakenThatHasADriverTheHostLacksAllFor() throws Exception {
    Target target = new Target("NetworkDriver", "macvlan", "io.gantry.network.macvlan");
    Path jar = Instance.sample(target.bundle);
    for (Way way : List.of(Way.HTTP, Way.JMX)) {
      assertEquals("", way.bring(target, jar));
      assertEquals(versionOf(jar), target.version());
      assertEquals(200, post("/gantry/v1/drivers/NetworkDriver/macvlan/rollback", "").status());
    }
  }

  @Test
  void aRestartKeepsWhatWasSwappedInAndRollbackGoesBack() throws Exception {
    Target target = Target.STORAGE_OVERLAY;
    String before = target.version();
    String version = taken(Way.JMX, target);
    restart();
    assertEquals(version, target.version());
    connector.close();
    engine.engine().destroyForcibly();
    Eventually.within(Duration.ofSeconds(60), "the gate starts it again", BadJarTest::answersAgain);
    connect();
    assertEquals(version, target.version());
    Http.Answer back = post("/gantry/v1/drivers/StorageDriver/overlay/rollback", "");
    assertEquals(200, back.status(), back::body);
    assertEquals(before, target.version());
    assertEquals("hi", engine.docker("run", "--rm", "busybox", "echo", "hi").ok());
  }

  private static boolean answersAgain() {
    try (Http http = engine.http()) {
      return http.call("GET", "/info", "").status() == 200;
    } catch (IOException e) {
      return false; // it fell with the engine
    }
  }

  /** A driver with nothing wrong is taken in; returns its version. */
  private static String taken(Way way, Target target) throws IOException {
    String version = "0.2.0." + next();
    Path jar = BadDriver.of(target.bundle).version(version).to(jar("good"));
    assertEquals("", way.bring(target, jar));
    assertEquals(version, target.version());
    assertEquals("hi", engine.docker("run", "--rm", "busybox", "echo", "hi").ok());
    return version;
  }

  private static void refused(Way way, Target target, Path jar, String words) throws IOException {
    String before = target.version();
    engine.docker("run", "-d", "--name", "stays", "busybox", "sleep", "1000").ok();
    try {
      String pid = engine.docker("inspect", "-f", "{{.State.Pid}}", "stays").ok();
      String answer = way.bring(target, jar);
      assertTrue(answer.contains(words), () -> way + " was answered: " + answer);
      assertEquals(before, target.version(), answer);
      assertEquals("ACTIVE", target.attribute("State"), answer);
      assertEquals("in", engine.docker("exec", "stays", "echo", "in").ok());
      assertEquals("hi", engine.docker("run", "--rm", "busybox", "echo", "hi").ok());
      assertEquals(pid, engine.docker("inspect", "-f", "{{.State.Pid}}", "stays").ok());
      try (Stream<Path> kept =
          Files.find(engine.dataRoot().resolve("drivers"), 2, (f, a) -> a.isRegularFile())) {
        assertFalse(
            kept.anyMatch(file -> file.getFileName().toString().startsWith(versionOf(jar) + ".jar"))
                && !versionOf(jar).equals(before),
            "the refused jar is not kept");
      }
    } finally {
      engine.docker("rm", "-f", "stays").ok();
    }
  }

  private static Path jar(String what) {
    return folder.resolve(what + "-" + next() + ".jar");
  }

  private static int next() {
    return number.incrementAndGet();
  }

  private static String versionOf(Path jar) {
    try (var file = new JarFile(jar.toFile())) {
      return file.getManifest().getMainAttributes().getValue("Bundle-Version");
    } catch (IOException e) {
      return "none"; // it is no jar
    }
  }

  private static Http.Answer post(String path, String body) throws IOException {
    try (Http http = engine.http()) {
      return http.call("POST", path, body);
    }
  }

  private static Throwable rootCause(Throwable thrown) {
    Throwable cause = thrown;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }
}
