package io.gantry.itests.swap;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import java.util.List;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Drivers are swapped under load, in each way, and nobody notices: no call fails, no line of a log
 * is lost. The system property {@code gantry.swaps} says how often each is.
 */
@Tag("root")
class SwapTest {

  private static final int SWAPS = Integer.getInteger("gantry.swaps", 20);
  private static final int CLIENTS = 8;

  private static Instance engine;
  private static JMXConnector connector;
  private static MBeanServerConnection jmx;

  /** One way to bring in a jar; returns when the driver serves from it. */
  @FunctionalInterface
  private interface Way {
    void bring(Path jar) throws Exception;
  }

  @BeforeAll
  static void start() throws Exception {
    engine = Instance.start();
    engine.importBusybox();
    connector = engine.jmx();
    jmx = connector.getMBeanServerConnection();
  }

  @AfterAll
  static void stop() throws Exception {
    connector.close();
    engine.close();
  }

  @ParameterizedTest
  @CsvSource({
    "StorageDriver,overlay,io.gantry.storage.overlay",
    "ExecDriver,namespaces,io.gantry.exec.namespaces"
  })
  void clientsDoNotNoticeUpdatesOverJmx(String kind, String name, String bundle) throws Exception {
    swapOverJmx(kind, name, bundle, SWAPS);
  }

  @Test
  void norWhereTheFallBackServes() throws Exception {
    makeDefault("vfs");
    try {
      swapOverJmx("StorageDriver", "vfs", "io.gantry.storage.vfs", Math.max(SWAPS / 4, 2));
    } finally {
      makeDefault("overlay");
    }
  }

  /** Whose containers have volumes: named ones, and some that go with them. */
  @Test
  void norDoThoseWithVolumes() throws Exception {
    swapOverJmx("VolumeDriver", "local", "io.gantry.volume.local", Math.max(SWAPS / 2, 2));
  }

  private static void makeDefault(String storage) throws IOException {
    try (Http http = engine.http()) {
      String path = "/gantry/v1/drivers/StorageDriver/" + storage + "/default";
      Http.Answer answer = http.call("POST", path, "");
      assertEquals(200, answer.status(), answer::body);
    }
  }

  private static void swapOverJmx(String kind, String name, String bundle, int swaps)
      throws Exception {
    ObjectName drivers = new ObjectName("io.gantry:type=Drivers");
    swapUnderLoad(
        kind,
        name,
        bundle,
        swaps,
        jar ->
            jmx.invoke(
                drivers,
                "update",
                new Object[] {kind, name, jar.toString()},
                new String[] {"java.lang.String", "java.lang.String", "java.lang.String"}));
  }

  @ParameterizedTest
  @CsvSource({
    "StorageDriver,overlay,io.gantry.storage.overlay",
    "ExecDriver,namespaces,io.gantry.exec.namespaces"
  })
  void clientsDoNotNoticeJarsDroppedIntoTheDeployFolder(String kind, String name, String bundle)
      throws Exception {
    Path deploy = engine.dataRoot().resolve("deploy");
    swapUnderLoad(
        kind,
        name,
        bundle,
        SWAPS,
        jar -> {
          Path scratch =
              Files.copy(jar, deploy.resolve(".incoming"), StandardCopyOption.REPLACE_EXISTING);
          Files.move(scratch, deploy.resolve(jar.getFileName()), StandardCopyOption.ATOMIC_MOVE);
          Eventually.eventually(
              "the deploy folder's " + jar.getFileName() + " serves",
              () -> serves(kind, name, jar));
        });
  }

  private static void swapUnderLoad(String kind, String name, String bundle, int number, Way way)
      throws Exception {
    try (Ticker ticker = new Ticker(engine);
        Load load = new Load(engine, CLIENTS, kind.equals("VolumeDriver"))) {
      load.awaitWarm();
      final String pid = ticker.pid();
      Path sample = Instance.sample(bundle);
      Path shipped = Instance.shipped(bundle);
      List<long[]> swaps = new ArrayList<>();
      for (int i = 0; i < number; i++) {
        Path jar = serves(kind, name, sample) ? shipped : sample;
        long callsBefore = calls(kind, name);
        long ticks = ticker.seen();
        long began = System.nanoTime();
        way.bring(jar);
        swaps.add(new long[] {began, System.nanoTime()});
        assertTrue(serves(kind, name, jar), jar + " serves after swap " + i);
        Eventually.within(
            Duration.ofSeconds(60), // eight clients on a busy host
            "calls and log lines after swap " + i,
            () ->
                !load.failures().isEmpty()
                    || calls(kind, name) > callsBefore && ticker.seen() > ticks);
        assertEquals(List.of(), load.failures());
      }
      assertEquals(List.of(), ticker.failures());
      assertEquals(pid, ticker.pid());
      Eventually.within(
          Duration.ofSeconds(60),
          "a life that ended after the last swap",
          () -> load.lives().stream().anyMatch(life -> life.ended() > swaps.get(number - 1)[1]));
      for (long[] swap : swaps) {
        assertTrue(
            load.lives().stream().anyMatch(life -> life.overlaps(swap[0], swap[1])),
            "clients were at work during every swap");
      }
    }
  }

  /** The state is read last: read first, it could be the former version's. */
  private static boolean serves(String kind, String name, Path jar) {
    return jar.toString().endsWith("-" + attribute(kind, name, "BundleVersion") + ".jar")
        && attribute(kind, name, "State").equals("ACTIVE");
  }

  private static long calls(String kind, String name) {
    return ((Number) attribute(kind, name, "Calls")).longValue();
  }

  private static Object attribute(String kind, String name, String attribute) {
    try {
      return jmx.getAttribute(
          new ObjectName("io.gantry:type=" + kind + ",name=" + name), attribute);
    } catch (Exception e) {
      throw new AssertionError("cannot read " + attribute + " of " + kind + " " + name, e);
    }
  }
}
