package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ProcessTableTest {

  private static final long SELF = ProcessHandle.current().pid();

  @Test
  void whatHasEndedIsInNoNamespace() {
    assertEquals(Set.of(SELF), ProcessTable.inside(Set.of(SELF, Long.MAX_VALUE), SELF));
  }

  @Test
  @Tag("root")
  void processesOfAnotherPidNamespaceAreLeftOut() throws Exception {
    Process other =
        new ProcessBuilder("unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "echo; cat")
            .start();
    try {
      assertEquals('\n', other.getInputStream().read());
      long inner = other.children().findFirst().orElseThrow(IOException::new).pid();
      var all = Set.of(SELF, other.pid(), inner);
      assertEquals(Set.of(SELF, other.pid()), ProcessTable.inside(all, SELF));
      assertEquals(Set.of(inner), ProcessTable.inside(all, inner));
    } finally {
      other.destroyForcibly().waitFor(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void aProgramThatPrintsTooMuchIsEnded() throws Exception {
    var process = new ProcessBuilder("yes").start();
    var e =
        assertThrows(
            GantryException.class,
            () -> ProcessTable.output(process, java.time.Duration.ofSeconds(30)));
    assertEquals("ps: failed", e.getMessage());
    assertTrue(process.waitFor(10, TimeUnit.SECONDS));
  }

  @Test
  void aProgramThatPrintsForEverIsEnded() throws Exception {
    var process = new ProcessBuilder("sh", "-c", "while :; do echo x; sleep 0.01; done").start();
    var e =
        assertThrows(
            GantryException.class,
            () -> ProcessTable.output(process, java.time.Duration.ofMillis(200)));
    assertEquals("ps: no end within 0 s", e.getMessage());
    assertTrue(process.waitFor(60, java.util.concurrent.TimeUnit.SECONDS));
  }
}
