package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code docker top} with options of {@code ps}. */
class TopTest extends WithEngine {
  private String id = "";

  @BeforeEach
  void run() {
    id = engine.containers.create(Specs.running("sh", "-c", "sleep 1001 & exec sleep 1002")).id();
    engine.containers.start(id);
    Await.until("both run", () -> engine.containers.top(id, "").processes().size() == 2);
  }

  @Test
  void itsProcessesAndNoOthersAreListedInEachForm() {
    long pid = engine.containers.inspect(id).state().pid();
    for (String form :
        new String[] {"", "-ef", "aux", "-eo pid,ppid,args", "-e -o ppid,pid,args"}) {
      var list = engine.containers.top(id, form);
      assertEquals(2, list.processes().size(), form + ": " + list.processes());
      int column = list.titles().indexOf("PID");
      assertTrue(
          list.processes().stream().anyMatch(row -> row.get(column).equals(Long.toString(pid))),
          form);
    }
    var arguments = engine.containers.top(id, "-eo pid,args").processes();
    assertEquals("sleep 1002", arguments.get(0).get(1).strip());
    assertEquals("sleep 1001", arguments.get(1).get(1).strip());
  }

  @Test
  void processesOfOtherUsersAndOnTerminalsAreListedToo() {
    for (boolean terminal : new boolean[] {false, true}) {
      String other =
          engine
              .containers
              .create(
                  Specs.spec(
                      s -> {
                        s.user = "1000";
                        s.terminal = terminal;
                        s.cmd = List.of("sleep", "1003");
                      }))
              .id();
      engine.containers.start(other);
      var pid = Long.toString(engine.containers.inspect(other).state().pid());
      Await.until(
          "it is the program",
          () -> engine.containers.top(other, "").processes().toString().contains("sleep 1003"));
      for (String form : new String[] {"-o pid,uid,args", "-Ho pid,uid,args", "fo pid,uid,args"}) {
        assertEquals(
            List.of(List.of(pid, "1000", "sleep 1003")),
            engine.containers.top(other, form).processes(),
            form);
      }
    }
  }

  @Test
  void whatHidesTheirPidOrIsNoOptionIsTheClientsMistake() {
    for (String form : new String[] {"-eo args", "-eo pid=x,args", "--nonsense"}) {
      var e = assertThrows(GantryException.class, () -> engine.containers.top(id, form), form);
      assertEquals(GantryException.Kind.INVALID, e.kind(), e.getMessage());
    }
  }
}
