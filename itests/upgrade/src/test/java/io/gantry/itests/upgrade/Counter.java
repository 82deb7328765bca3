package io.gantry.itests.upgrade;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Instance;
import java.util.List;

/** A container that counts for ever; its log must have every number once. */
record Counter(String name, String pid) {

  static Counter start(Instance engine, String name) {
    String counting = "i=0; while :; do i=$((i+1)); echo $i; usleep 20000; done";
    engine.docker("run", "-d", "--name", name, "busybox", "sh", "-c", counting).ok();
    return new Counter(name, pid(engine, name));
  }

  /** It runs on with the same process, has counted on, and nothing of its log is missing. */
  void check(Instance engine, int since) {
    assertEquals(pid, pid(engine, name), name + " has the same process");
    List<String> lines = lines(engine);
    for (int i = 0; i < lines.size(); i++) {
      assertEquals("" + (i + 1), lines.get(i), "no line of " + name + "'s log is lost");
    }
    assertTrue(lines.size() > since, name + " has counted on: " + lines.size());
  }

  int counted(Instance engine) {
    return lines(engine).size();
  }

  private List<String> lines(Instance engine) {
    return engine.docker("logs", name).ok().lines().toList();
  }

  static String pid(Instance engine, String name) {
    return engine.docker("inspect", "-f", "{{.State.Pid}}", name).ok();
  }
}
