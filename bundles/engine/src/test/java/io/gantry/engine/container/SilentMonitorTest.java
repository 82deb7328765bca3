package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView.Status;
import io.gantry.api.ExecSpec;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** Containers whose monitors stand still, as by SIGSTOP. */
class SilentMonitorTest extends WithEngine {

  private String running() {
    String id = engine.containers.create(Specs.spec(s -> s.cmd = List.of("sleep", "1000"))).id();
    engine.containers.start(id);
    return id;
  }

  private ProcessHandle init(String id) {
    return ProcessHandle.of(engine.containers.inspect(id).state().pid()).orElseThrow();
  }

  private static ProcessHandle stopped(ProcessHandle init) throws Exception {
    var monitor = init.parent().orElseThrow();
    signal("STOP", monitor);
    return monitor;
  }

  private static void signal(String name, ProcessHandle process)
      throws IOException, InterruptedException {
    var kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
    assertEquals(0, kill.waitFor());
  }

  private void assertLost(String id, ProcessHandle init, ProcessHandle monitor) {
    var state = engine.containers.inspect(id).state();
    assertEquals(Status.EXITED, state.status());
    assertEquals(137, state.exitCode());
    assertEquals("monitor lost", state.error());
    Await.until("gone", () -> !init.isAlive() && !monitor.isAlive());
  }

  @Test
  void itsContainerIsStoppedAndKilledAllTheSame() throws Exception {
    String one = running();
    var init = init(one);
    var monitor = stopped(init);
    var refused = assertThrows(GantryException.class, () -> engine.containers.kill(one, "HUP"));
    assertEquals(Kind.UNAVAILABLE, refused.kind());
    assertTrue(init.isAlive());
    engine.containers.stop(one, null, Duration.ofSeconds(1));
    assertLost(one, init, monitor);
    engine.containers.start(one);

    var again = init(one);
    var other = stopped(again);
    engine.containers.kill(one, "KILL");
    assertLost(one, again, other);
  }

  @Test
  void itKeepsNoEngineFromStarting() throws Exception {
    String one = running();
    String other = running();
    String third = running();
    var monitor = stopped(init(one));
    var lost = stopped(init(third));
    engine.close();
    long before = System.nanoTime();
    engine = open();
    Duration took = Duration.ofNanos(System.nanoTime() - before);
    assertTrue(took.compareTo(Duration.ofSeconds(25)) < 0, "it took " + took);
    assertEquals(Status.RUNNING, engine.containers.inspect(one).state().status());
    engine.containers.kill(other, "HUP");
    engine.containers.remove(third, true, true);
    Await.until("gone", () -> !lost.isAlive());
    assertFalse(hears(one));
    signal("CONT", monitor);
    Await.until("it is taken over", () -> hears(one));
  }

  /** What is asked of it meanwhile waits for it, and fails when that takes too long. */
  @Test
  void oneThatIsSlowAfterARestartIsWaitedFor() throws Exception {
    String one = running();
    var monitor = stopped(init(one));
    engine.close();
    engine = open();
    var spec =
        new ExecSpec(List.of("true"), List.of(), "", "", false, false, false, false, false, "");
    String exec = engine.containers.createExec(one, spec);
    var asked = CompletableFuture.runAsync(() -> engine.containers.startExec(exec, true, 0, 0));
    assertThrows(TimeoutException.class, () -> asked.get(300, TimeUnit.MILLISECONDS));
    signal("CONT", monitor);
    asked.get(30, TimeUnit.SECONDS);
  }

  private boolean hears(String id) {
    try {
      engine.containers.kill(id, "HUP");
      return true;
    } catch (GantryException e) {
      assertEquals(Kind.UNAVAILABLE, e.kind());
      return false;
    }
  }

  @Test
  void itsContainerIsRemovedByForce() throws Exception {
    String one = running();
    var init = init(one);
    var monitor = stopped(init);
    engine.containers.remove(one, true, true);
    assertEquals(List.of(), engine.containers.list());
    Await.until("gone", () -> !init.isAlive() && !monitor.isAlive());
  }
}
