package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.linux.CgroupTree;
import io.gantry.spi.GantryException;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;

class RunningTest {
  private final Running running =
      new Running(
          CgroupTree.detect().group("gantry-test", "c"), InstantSource.system(), exec -> {});

  /** A stop goes on by the control group then; for one that "is not running" it would not. */
  @Test
  void asLongAsTheMonitorIsSilentTheContainerRuns() {
    assertEquals(
        GantryException.Kind.UNAVAILABLE,
        assertThrows(GantryException.class, running::monitor).kind());
    assertFalse(running.end.isDone());
  }

  @Test
  void whoseMonitorWasNeverToldToGoOnHasNotEnded() {
    running.isFound();
    running.lost("it ends as its engine did");
    assertFalse(running.end.isDone());
    running.isFound(); // asked again
    running.hasBegun();
    assertFalse(running.end.isDone());
  }

  @Test
  void whatIsHeardWhileItsMonitorIsAskedCountsOnceItHasBegun() {
    running.isFound();
    running.lost("killed just now");
    assertFalse(running.end.isDone());
    running.hasBegun();
    assertEquals("monitor lost", running.end.join().error());
  }
}
