package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView.Status;
import io.gantry.api.HostSpec.Limits;
import io.gantry.linux.CgroupTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who runs out of memory is told of as it happens, once each time. */
class OutOfMemoryTest extends WithEngine {
  private static final long LITTLE = 16L << 20;

  private String run(String script) {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sh", "-c", script);
              s.limits = new Limits(LITTLE, LITTLE, 0, 0, 0, 0, 0, "", "", 0, 0, false);
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    return id;
  }

  private long told() {
    return engine.actions().stream().filter("oom"::equals).count();
  }

  @Test
  void aKillThatTheContainerOutlivesIsToldAtOnceAndNotAgainAtItsEnd() throws Exception {
    String id = run("tail /dev/zero; sleep 1000");
    Await.until("it is told", () -> told() == 1);
    var state = engine.containers.inspect(id).state();
    assertEquals(Status.RUNNING, state.status());
    assertTrue(state.oomKilled());

    engine.close();
    engine = new Engines(home);
    state = engine.containers.inspect(id).state();
    assertEquals(Status.RUNNING, state.status());
    assertTrue(state.oomKilled(), "the next engine knows");
    engine.containers.kill(id, "KILL");
    Await.until(
        "it has ended", () -> engine.containers.inspect(id).state().status() == Status.EXITED);
    assertTrue(engine.containers.inspect(id).state().oomKilled());
    assertEquals(0, told(), "by this engine");
  }

  @Test
  void theNextEngineKnowsOfHowManyWasTold() throws Exception {
    String id = run("tail /dev/zero; tail /dev/zero; sleep 1000");
    var record = home.place().execRoot().resolve("runs/" + id + ".json");
    Await.until("both are on record", () -> text(record).contains("\"oomKills\":2"));
    engine.close();
    engine = new Engines(home);
    engine.containers.kill(id, "KILL");
    assertEquals(0, told(), "by this engine");
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A container that lives on its kills must not keep the engine busy with telling of them. */
  @Test
  void aFloodIsToldOfAFewTimesASecond() throws Exception {
    var running =
        new Running(CgroupTree.detect().group("gy", "none"), InstantSource.system(), exit -> {});
    int due = 0;
    running.onOomKills(kills -> {});
    for (int kills = 1; kills <= 1000; kills++) {
      running.outOfMemory(kills, Instant.EPOCH);
      due += running.oomBecomesDue() ? 1 : 0;
    }
    assertEquals(1, due);
    assertTrue(running.oomDelay().isNegative(), "the first at once");
    assertEquals(1000, running.oomKills().count());
    assertTrue(running.oomBecomesDue());
    assertFalse(running.oomDelay().isNegative(), "the next later");
  }

  @Test
  void eachIsToldAndTheLastOneBeforeTheEnd() throws Exception {
    run("tail /dev/zero; tail /dev/zero; exec tail /dev/zero");
    Await.until("it has ended", () -> engine.actions().contains("die"));
    var actions = engine.actions();
    assertTrue(told() >= 1 && told() <= 3, actions.toString());
    assertTrue(actions.lastIndexOf("oom") < actions.lastIndexOf("die"), actions.toString());
  }

  @Test
  void anEndForAnotherReasonIsNone() throws Exception {
    String id = run("exit 3");
    Await.until("it has ended", () -> engine.actions().contains("die"));
    assertEquals(0, told());
    assertFalse(engine.containers.inspect(id).state().oomKilled());
  }
}
