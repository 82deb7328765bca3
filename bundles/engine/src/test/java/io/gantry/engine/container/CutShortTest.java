package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView.Status;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.monitor.CreateRequest;
import io.gantry.monitor.ExecExit;
import io.gantry.monitor.ExitRecord;
import io.gantry.monitor.Monitor;
import io.gantry.monitor.MonitorLoop;
import io.gantry.monitor.Spawner;
import io.gantry.spi.Bytes;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Starts that an engine died in the middle of, as the next one finds them. */
class CutShortTest extends WithEngine {
  private static final long CLONE_NEWNS = 0x00020000;
  private static final long CLONE_NEWPID = 0x20000000;

  private static final Monitor.Listener NOBODY =
      new Monitor.Listener() {
        @Override
        public void exited(ExitRecord exit) {}

        @Override
        public void execExited(ExecExit exit) {}

        @Override
        public void lost(String reason) {}
      };

  private ContainerRecords records() {
    return new ContainerRecords(
        home.place(), Runnable::run, new SpareDisk(home.place().dataRoot()));
  }

  private Status status(String id) {
    return engine.containers.inspect(id).state().status();
  }

  private int restarts(String id) {
    return engine.containers.inspect(id).restartCount();
  }

  /** Its monitor is there when the next engine looks for it, and about to end. */
  @Test
  void aRestartThatNobodyFinishedIsMadeByTheNextEngine() {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sh", "-c", "exit 3");
              s.restartPolicy = "always";
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    Await.until("three restarts", () -> restarts(id) >= 3); // the pause is longer than a run now
    Await.until("a pause", () -> status(id) == Status.RESTARTING);
    engine.close();
    var loaded = records().load();
    var before = loaded.runs().get(id);
    assertNotNull(before);
    try (var loop = MonitorLoop.start()) {
      var monitor = begin(home, loop, id);
      records()
          .putRun(
              loaded.containers().get(id),
              before.started(monitor.created(), Instant.now(), List.of(), List.of(), ""));
      engine = open();
      monitor.close();
    }
    Await.until("one more restart", () -> restarts(id) > before.restarts());
  }

  /** What a start does first, of a container that need not be there. */
  static Monitor begin(Engines.Home home, MonitorLoop loop, String id) {
    var request =
        new CreateRequest(
            home.place().instance(),
            id,
            new OwnFiles(home.place()).makeRun(id).toString(),
            false,
            false,
            false,
            false,
            CLONE_NEWNS | CLONE_NEWPID,
            Bytes.EMPTY,
            false,
            0,
            0,
            null,
            List.of(),
            "",
            List.of(),
            Bytes.EMPTY,
            false,
            List.of(),
            "");
    var spawner = Spawner.ensure(home.helper(), home.place().execRoot(), loop);
    var monitor = spawner.expect(home.place().run(id), false, NOBODY);
    monitor.create(request);
    return monitor;
  }

  @Test
  void whatWasBeforeAStartInAnothersPidNamespaceIsNoRun() {
    String donor = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(donor);
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.pidMode = "container:" + donor;
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    var run = records().load().runs().get(id);
    assertNotNull(run);
    assertTrue(run.running());
    assertEquals(engine.containers.inspect(id).state().pid(), run.pid());
    var before = run.before();
    assertNotNull(before);
    assertFalse(before.running());
  }
}
