package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ExecSpec;
import io.gantry.spi.GantryException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ExecsTest {
  private final Map<String, ExecProcess> execs = new HashMap<>();

  private ExecProcess exec(int number) {
    return exec(number, "true");
  }

  private ExecProcess exec(int number, String argument) {
    var spec =
        new ExecSpec(List.of(argument), List.of(), "", "", false, false, false, false, false, "");
    var exec = new ExecProcess(Integer.toString(number), "c", spec);
    execs.put(exec.id(), exec);
    return exec;
  }

  @Test
  void thoseThatEndedLastAreRemembered() {
    exec(-1).start();
    for (int i = 0; i < 3 * Execs.REMEMBERED; i++) {
      Execs.makeRoom(execs);
      exec(i).ended(0);
    }
    Execs.makeRoom(execs);
    for (int i = 2 * Execs.REMEMBERED; i < 3 * Execs.REMEMBERED; i++) {
      assertTrue(execs.containsKey(Integer.toString(i)), "exec " + i);
    }
    assertFalse(execs.containsKey("0"));
    assertTrue(execs.containsKey("-1"), "one that runs is never forgotten");
    assertTrue(execs.size() <= 2 * Execs.REMEMBERED);
  }

  @Test
  void execsThatNobodyStartsHaveAnEnd() {
    assertThrows(
        GantryException.class,
        () -> {
          for (int i = 0; i <= 2 * Execs.MOST; i++) {
            Execs.makeRoom(execs);
            exec(i);
          }
        });
    assertEquals(Execs.MOST + Execs.REMEMBERED, execs.size());
  }

  @Test
  void largeArgumentsOfExecsThatNobodyStartsHaveAnEnd() {
    String large = "x".repeat(1 << 20);
    exec(-1, large).ended(0);
    exec(-2, "true").ended(0);
    var failure =
        assertThrows(
            GantryException.class,
            () -> {
              for (int i = 0; i < 100; i++) {
                Execs.makeRoom(List.of(new HashMap<>(), execs), large.length());
                exec(i, large);
              }
            });
    assertTrue(failure.getMessage().contains("64 MiB"), failure.getMessage());
    assertFalse(execs.containsKey("-1"), "one that has ended goes first");
    assertTrue(execs.containsKey("-2"), "a small one is in nobody's way");
    execs.get("7").ended(0);
    Execs.makeRoom(List.of(execs), large.length());
    assertFalse(execs.containsKey("7"));
  }
}
