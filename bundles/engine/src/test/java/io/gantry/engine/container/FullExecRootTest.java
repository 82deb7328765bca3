package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.ContainerView.Status;
import io.gantry.linux.CgroupTree;
import io.gantry.linux.Mounts;
import io.gantry.spi.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Nothing can be written of runs: what happens to them happens all the same. */
class FullExecRootTest extends WithEngine {
  private Path runs;

  @BeforeEach
  void makeSmallDisk() throws IOException {
    runs = Files.createDirectory(home.place().execRoot().resolve("runs"));
    Mounts.mount(new Mount("tmpfs", "tmpfs", runs.toString(), List.of("size=64k")), runs);
  }

  @AfterEach
  void takeDiskAway() {
    Mounts.unmount(runs);
  }

  private void fill() throws IOException {
    try (var out = Files.newOutputStream(runs.resolve("filler"))) {
      assertThrows(
          IOException.class,
          () -> {
            while (true) {
              out.write(new byte[4096]);
            }
          });
    }
  }

  private String started(String... command) {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of(command);
              s.openStdin = true;
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    return id;
  }

  private Status status(String id) {
    return engine.containers.inspect(id).state().status();
  }

  @Test
  void anEndIsReadWhereItsMonitorWroteIt() throws Exception {
    String id = started("sh", "-c", "read x; exit 7");
    fill();
    long pid = engine.containers.inspect(id).state().pid();
    Files.writeString(Path.of("/proc/" + pid + "/fd/0"), "go\n");
    Await.until("it ends", () -> status(id) == Status.EXITED);
    for (int next = 0; next < 2; next++) { // nor can the next one write it
      engine.close();
      engine = new Engines(home);
      assertEquals(7, engine.containers.inspect(id).state().exitCode());
    }
    engine.containers.remove(id, false, false);
    assertFalse(Files.exists(home.place().run(id)));
  }

  @Test
  void whatIsNotAsItsRecordSaysIsTakenOverAllTheSame() throws Exception {
    String id = started("sleep", "1000");
    engine.containers.pause(id);
    engine.close();
    CgroupTree.detect().group(home.place().cgroupParent(), id).thaw();
    fill();
    engine = new Engines(home);
    assertEquals(Status.RUNNING, status(id));
    long pid = engine.containers.inspect(id).state().pid();
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    Await.until("its end is seen", () -> status(id) == Status.EXITED);
  }
}
