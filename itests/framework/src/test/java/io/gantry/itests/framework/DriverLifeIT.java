package io.gantry.itests.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Drivers.State;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Support;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.osgi.framework.Bundle;
import org.osgi.framework.FrameworkUtil;

/** Drivers that come through the deploy folder, stand by, hang, and outlive the engine's bundle. */
@ExtendWith(InFramework.class)
public class DriverLifeIT {

  private final Echo echo = new Echo();

  @Test
  public void aJarDroppedIntoTheDeployFolderIsTakenIn() throws Exception {
    assertEquals("1.0.0", echo.call());
    Path jar = drop("1.1.0", "", "new.jar");
    Await.until(() -> echo.call().equals("1.1.0") && Files.notExists(jar), () -> echo.call());
    assertEquals("1.0.0", echo.drivers().rollback(Echo.KIND, Echo.NAME).version());
  }

  @Test
  public void aBadJarInTheDeployFolderIsSetAsideWithTheReason() throws Exception {
    Path jar = drop("2.0.0", "probe-throws", "bad.jar");
    Path reason = jar.resolveSibling("bad.jar.rejected.txt");
    Await.until(() -> Files.exists(reason) && Files.size(reason) > 0, () -> "no reason");
    assertTrue(Files.readString(reason).contains("echo fails in probe"));
    assertTrue(Files.exists(jar.resolveSibling("bad.jar.rejected")));
    assertEquals("1.0.0", echo.call());
  }

  @Test
  public void aJarThatOthersMayWriteIsSetAside() throws Exception {
    Path scratch = Files.copy(Echo.jar("1.1.0", ""), scratch("open.jar.tmp"));
    Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rw-rw-rw-"));
    Path jar = Files.move(scratch, scratch("open.jar"), StandardCopyOption.ATOMIC_MOVE);
    Path reason = jar.resolveSibling("open.jar.rejected.txt");
    Await.until(() -> Files.exists(reason) && Files.size(reason) > 0, () -> "no reason");
    assertTrue(Files.readString(reason).contains("is writable by others"));
    assertEquals("1.0.0", echo.call());
  }

  @Test
  public void theJarOfAnotherBundleDoesNotReplaceADriver() {
    var failure =
        assertThrows(
            GantryException.class,
            () ->
                echo.drivers().update(Echo.KIND, Echo.NAME, Path.of(bundleFile("io.gantry.spi"))));
    assertTrue(failure.getMessage().contains("comes from bundle io.gantry.itests.echo"));
    assertEquals("1.0.0", echo.call());
  }

  @Test
  public void theVersionThatRunsIsNotTakenAgain() {
    echo.call();
    var failure = assertThrows(GantryException.class, () -> echo.update("1.0.0"));
    assertEquals(GantryException.Kind.CONFLICT, failure.kind());
    assertTrue(failure.getMessage().contains("give the new jar another version"));
  }

  @Test
  public void aSecondServiceStandsByUntilTheFirstIsGone() throws Exception {
    echo.call();
    var second = new Second();
    var service =
        Echo.context()
            .registerService(
                RegistryAuthProvider.class,
                second,
                FrameworkUtil.asDictionary(Map.of(Driver.NAME, Echo.NAME)));
    Bundle first = bundle("io.gantry.itests.echo");
    try {
      assertEquals("1.0.0", echo.call());
      assertFalse(second.probed);
      first.stop(Bundle.STOP_TRANSIENT);
      assertEquals("second", echo.call());
      first.start(Bundle.START_TRANSIENT);
      assertEquals("second", echo.call());
    } finally {
      service.unregister();
    }
    assertEquals("1.0.0", echo.call());
  }

  @Test
  public void aCallThatHangsDegradesTheDriverUntilItEnds() throws Exception {
    var inside = new CountDownLatch(1);
    var end = new CountDownLatch(1);
    var hung =
        CompletableFuture.runAsync(
            () ->
                echo.with(
                    driver -> {
                      inside.countDown();
                      return await(end);
                    }));
    inside.await();
    Await.until(() -> echo.view().state() == State.DEGRADED, () -> echo.view().toString());
    assertEquals("1.0.0", echo.call());
    assertEquals(1, echo.view().inFlight());
    end.countDown();
    hung.join();
    Await.until(() -> echo.view().state() == State.ACTIVE, () -> echo.view().toString());
  }

  @Test
  public void aDriverThatIsAwayIsWaitedFor() throws Exception {
    echo.call();
    Bundle driver = bundle("io.gantry.itests.echo");
    driver.stop(Bundle.STOP_TRANSIENT);
    Await.until(() -> echo.view().state() == State.AWAY, () -> echo.view().toString());
    var call = CompletableFuture.supplyAsync(echo::call);
    Await.until(() -> echo.view().waiting() == 1, () -> echo.view().toString());
    driver.start(Bundle.START_TRANSIENT);
    assertEquals("1.0.0", call.get(60, TimeUnit.SECONDS));
  }

  @Test
  public void whatWasSwappedInIsThereAfterTheEngineHasStartedAnew() throws Exception {
    echo.call();
    echo.update("1.1.0");
    echo.drivers().setDefault(Echo.KIND, Echo.NAME);
    Bundle engine = bundle("io.gantry.engine");
    engine.stop();
    engine.start();
    var anew = new Echo();
    assertEquals("1.1.0", anew.call());
    assertEquals("echo", anew.drivers().defaultName(Echo.KIND));
    assertEquals("1.0.0", anew.drivers().rollback(Echo.KIND, Echo.NAME).version());
    assertEquals("1.0.0", anew.call());
  }

  private static Path drop(String version, String behaviour, String name) throws Exception {
    return Files.copy(Echo.jar(version, behaviour), scratch(name));
  }

  private static Path scratch(String name) throws Exception {
    Path folder = Path.of(System.getProperty("test.scratch"), "data", "deploy");
    Await.until(() -> Files.isDirectory(folder), () -> "no deploy folder");
    return folder.resolve(name);
  }

  private static Bundle bundle(String symbolicName) {
    return Arrays.stream(Echo.context().getBundles())
        .filter(bundle -> symbolicName.equals(bundle.getSymbolicName()))
        .findFirst()
        .orElseThrow();
  }

  private static String bundleFile(String symbolicName) {
    return java.net.URI.create(bundle(symbolicName).getLocation()).getPath();
  }

  private static String await(CountDownLatch latch) {
    try {
      return String.valueOf(latch.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A driver of the same name from another bundle. */
  private static final class Second implements RegistryAuthProvider {
    volatile boolean probed;

    @Override
    public Support probe() {
      probed = true;
      return Support.yes();
    }

    @Override
    public Map<String, String> prepare(RegistryRequest request) {
      return Map.of("version", "second");
    }
  }
}
