package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.linux.CgroupTree;
import io.gantry.spi.GantryException;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;

class RunningTest {
  /** A stop goes on by the control group then; for one that "is not running" it would not. */
  @Test
  void asLongAsTheMonitorIsSilentTheContainerRuns() {
    var cgroup = CgroupTree.detect().group("gantry-test", "c");
    var running = new Running(cgroup, InstantSource.system(), exit -> {});
    assertEquals(
        GantryException.Kind.UNAVAILABLE,
        assertThrows(GantryException.class, running::monitor).kind());
    assertFalse(running.end.isDone());
  }
}
