package io.gantry.itests.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Drivers.State;
import io.gantry.spi.GantryException;
import io.gantry.spi.registry.RegistryAuthProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.osgi.util.tracker.ServiceTracker;

/** A driver is replaced under load and loses no call; a bad one is put back. */
@ExtendWith(InFramework.class)
public class DriverSwapIT {

  private static final int SWAPS = 20;

  private final Echo echo = new Echo();

  @Test
  public void noCallIsLostWhenADriverIsUpdatedUnderLoad() throws Exception {
    echo.call();
    try (var load = new Load(echo::call)) {
      for (int swap = 0; swap < SWAPS; swap++) {
        String next = echo.view().version().equals("1.0.0") ? "1.1.0" : "1.0.0";
        load.awaitAnswer(echo.view().version());
        assertEquals(next, swapTo(next));
        load.awaitAnswer(next);
      }
      load.close();
      assertEquals(0, load.failed(), load.firstFailure());
    }
    assertEquals(State.ACTIVE, echo.view().state());
  }

  /** Shows that the test above would see a lost call. */
  @Test
  public void callsAreLostWithANaiveBinding() throws Exception {
    echo.call();
    var naive =
        new ServiceTracker<RegistryAuthProvider, RegistryAuthProvider>(
            Echo.context(), RegistryAuthProvider.class, null);
    naive.open();
    try (var load = new Load(() -> Echo.version(naive.getService()))) {
      for (int swap = 0; swap < SWAPS; swap++) {
        String next = echo.view().version().equals("1.0.0") ? "1.1.0" : "1.0.0";
        swapTo(next);
        load.awaitAnswer(next);
      }
      load.close();
      assertTrue(load.failed() > 0, "a naive binding lost no call: the load is too light");
    } finally {
      naive.close();
    }
  }

  private String swapTo(String version) {
    return version.equals("1.0.0")
        ? echo.drivers().rollback(Echo.KIND, Echo.NAME).version()
        : echo.update(version).version();
  }

  @Test
  public void aJarThatDoesNotResolveIsPutBack() {
    putsBack("unresolvable", "does not resolve", "no.such.pkg");
  }

  @Test
  public void aDriverThatThrowsInItsConstructorIsPutBack() {
    putsBack("constructor-throws", "could not be started", "echo fails in constructor");
  }

  @Test
  public void aDriverThatThrowsInProbeIsPutBack() {
    putsBack("probe-throws", "its probe failed", "echo fails in probe");
  }

  @Test
  public void aDriverThatThisHostCannotRunIsPutBack() {
    putsBack("probe-no", "this host cannot run it", "this host has no echo");
  }

  @Test
  public void aDriverThatThrowsInRecoverIsPutBack() {
    putsBack("recover-throws", "its recover failed", "echo fails in recover");
  }

  @Test
  public void aDriverThatHangsInRecoverIsPutBack() {
    putsBack("recover-hangs", "within 1 s");
  }

  @Test
  public void aDriverThatHangsInItsConstructorIsPutBack() {
    putsBack("constructor-hangs", "within 1 s");
  }

  @Test
  public void aBundleWithoutTheDriverIsPutBack() {
    putsBack("missing", "does not register");
  }

  private void putsBack(String behaviour, String... words) {
    String before = echo.call();
    var failure =
        assertThrows(
            GantryException.class,
            () -> echo.drivers().update(Echo.KIND, Echo.NAME, Echo.jar("2.0.0", behaviour)));
    for (String word : words) {
      assertTrue(failure.getMessage().contains(word), failure.getMessage());
    }
    assertTrue(failure.getMessage().contains(before + " is back and serves"), failure.getMessage());
    assertTrue(failure.getMessage().contains("try again"), failure.getMessage());
    assertEquals(before, echo.call());
    assertEquals(State.ACTIVE, echo.view().state());
    assertEquals(-1, echo.view().versions().indexOf("2.0.0"));
  }
}
