package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.AttachOptions;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.api.ExecSpec;
import io.gantry.linux.Cgroup;
import io.gantry.linux.CgroupTree;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What may be done to a container that stands still, and what an engine finds of it. */
class PauseTest extends WithEngine {
  private static final ExecSpec EXEC =
      new ExecSpec(List.of("true"), List.of(), "", "", false, false, true, true, false, "");

  private String id;

  @BeforeEach
  void pauseOne() {
    id = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(id);
    engine.containers.pause(id);
  }

  private Cgroup group() {
    return CgroupTree.detect().group(home.place().cgroupParent(), id);
  }

  private Status status() {
    return engine.containers.inspect(id).state().status();
  }

  private static void refused(String why, Runnable call) {
    var e = assertThrows(GantryException.class, call::run);
    assertEquals(Kind.CONFLICT, e.kind());
    assertTrue(e.getMessage().contains(why), e.getMessage());
  }

  @Test
  void whatNeedsItsProcessesIsRefusedInDockersWords() {
    refused("is already paused", () -> engine.containers.pause(id));
    refused(
        "is paused, unpause the container before exec",
        () -> engine.containers.createExec(id, EXEC));
    refused(
        "is paused, unpause the container before attach",
        () -> engine.containers.attach(id, new AttachOptions(false, true, true, false, true, "")));
    refused(
        "cannot start a paused container, try unpause instead", () -> engine.containers.start(id));
    refused(
        "container is paused and must be unpaused first",
        () -> engine.containers.remove(id, false, false));
    assertTrue(group().frozen());
    assertEquals("pause", engine.actions().get(engine.actions().size() - 1));
    engine.containers.unpause(id);
    assertFalse(group().frozen());
    assertEquals("unpause", engine.actions().get(engine.actions().size() - 1));
    refused("is not paused", () -> engine.containers.unpause(id));
  }

  @Test
  void aStopEndsItInTheOrderThatDockerTells() {
    engine.containers.stop(id, "KILL", Duration.ofSeconds(10));
    assertEquals(Status.EXITED, status());
    assertEquals(137, engine.containers.inspect(id).state().exitCode());
    assertFalse(engine.containers.inspect(id).state().status() == Status.PAUSED);
    var actions = engine.actions();
    assertEquals(
        List.of("kill", "disconnect", "die", "stop"),
        actions.subList(actions.size() - 4, actions.size()));
  }

  @Test
  void anEndFromOutsideIsSeen() throws Exception {
    var exit = engine.containers.await(id, WaitCondition.NOT_RUNNING).toCompletableFuture();
    group().kill();
    assertEquals(137, exit.get(60, TimeUnit.SECONDS).status());
    assertEquals(Status.EXITED, status());
    engine.containers.start(id);
    assertEquals(Status.RUNNING, status());
  }

  @Test
  void theNextEngineFindsItAsItStands() {
    engine.close();
    engine = new Engines(home);
    assertEquals(Status.PAUSED, status());
    engine.close();
    group().thaw(); // as if the crash had come between the thaw and its record
    engine = new Engines(home);
    assertEquals(Status.RUNNING, status());
    engine.containers.pause(id);
    engine.close();
    engine = new Engines(home);
    assertEquals(Status.PAUSED, status());
    engine.containers.unpause(id);
    assertEquals(Status.RUNNING, status());
  }
}
