package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ExecSpec;
import io.gantry.api.HostSpec.DeviceRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A device that is pulled out while a container has it. */
class GoneDeviceTest extends WithEngine {

  @Test
  void aDeviceThatHasGoneKeepsNobodyOutOfAContainerThatRuns() throws Exception {
    Path node = scratch.resolve("node");
    assertEquals(0, new ProcessBuilder("mknod", node.toString(), "c", "1", "5").start().waitFor());
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.devices.add(new DeviceRequest(node.toString(), "/dev/given", "rw"));
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    Files.delete(node);
    var copy = engine.containers.read(id, "/bin").tar();
    try {
      assertTrue(copy.read().toCompletableFuture().get(60, TimeUnit.SECONDS).hasRemaining());
    } finally {
      copy.close();
    }

    engine.close();
    engine = open(); // which finds it running
    var look =
        new ExecSpec(
            List.of("head", "-c", "3", "/dev/given"),
            List.of(),
            "",
            "",
            false,
            false,
            true,
            true,
            false,
            "");
    String exec = engine.containers.createExec(id, look);
    assertEquals("\0\0\0", Engines.text(engine.containers.startExec(exec, false, 0, 0)));
  }
}
