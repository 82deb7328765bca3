package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.engine.disk.SpareDisk;
import io.gantry.monitor.Monitor;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Containers that join namespaces of others. */
class DonorsTest extends WithEngine {

  /** The pid of one that has ended may be a process of the host by now. */
  @ParameterizedTest
  @ValueSource(strings = {"PID", "network", "IPC"})
  void namespacesOfWhoeverHasThePidNowAreNotJoined(String name) {
    String donor =
        engine
            .containers
            .create(
                Specs.spec(
                    s -> {
                      s.cmd = List.of("sleep", "1000");
                      s.ipcMode = "shareable";
                    }))
            .id();
    engine.containers.start(donor);
    engine.close();
    takeFor(donor, ProcessHandle.current().pid());
    engine = open();
    BiConsumer<Specs, String> join =
        switch (name) {
          case "PID" -> (s, mode) -> s.pidMode = mode;
          case "network" -> (s, mode) -> s.networkMode = mode;
          default -> (s, mode) -> s.ipcMode = mode;
        };
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              join.accept(s, "container:" + donor);
            });
    String id = engine.containers.create(spec).id();
    var e = assertThrows(GantryException.class, () -> engine.containers.start(id));
    assertEquals(Kind.CONFLICT, e.kind());
    assertEquals(
        "cannot join %s namespace of a non running container: container %s is not running"
            .formatted(name, engine.containers.inspect(donor).name()),
        e.getMessage());
  }

  private void takeFor(String id, long pid) {
    var records =
        new ContainerRecords(home.place(), Runnable::run, new SpareDisk(home.place().dataRoot()));
    var loaded = records.load();
    var run = Objects.requireNonNull(loaded.runs().get(id));
    records.putRun(
        Objects.requireNonNull(loaded.containers().get(id)),
        RunRecord.NEVER
            .started(
                new Monitor.Init(pid, run.initStart()),
                Objects.requireNonNull(run.started()),
                List.of(),
                List.of(),
                "")
            .begun());
  }
}
