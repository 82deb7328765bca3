package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Instance;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What containers use, through the docker command and through JMX. */
@Tag("root")
@Timeout(180)
class StatsTest {

  @Test
  void theCommandAndJmxShowWhatAContainerUses() throws Exception {
    try (Instance engine = Instance.start();
        var jmx = engine.jmx()) {
      engine.importBusybox();
      String loop = "sleep 1000 & while :; do :; done";
      engine
          .docker(
              "run",
              "-d",
              "--name",
              "busy",
              "--network",
              "none",
              "-m",
              "64m",
              "busybox",
              "sh",
              "-c",
              loop)
          .ok();
      String line =
          engine
              .docker(
                  "stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.MemUsage}}", "busy")
              .ok();
      assertTrue(line.matches("busy 2 [0-9.]+[KM]iB / 64MiB\\s*"), line);

      var server = jmx.getMBeanServerConnection();
      var bean = new ObjectName("io.gantry:type=Containers");
      String[] types = {String.class.getName()};
      var stats = (CompositeData) server.invoke(bean, "stats", new Object[] {"busy"}, types);
      assertEquals("busy", stats.get("name"));
      assertEquals(2L, stats.get("pids"));
      assertEquals(64L << 20, stats.get("memoryLimitBytes"));
      assertTrue((long) stats.get("cpuNanos") > 0, stats.toString());
      assertEquals(1, ((CompositeData[]) server.getAttribute(bean, "Stats")).length);

      engine.docker("kill", "busy").ok();
      stats = (CompositeData) server.invoke(bean, "stats", new Object[] {"busy"}, types);
      assertEquals(0L, stats.get("cpuNanos"));
      assertEquals("", stats.get("time"));
    }
  }
}
