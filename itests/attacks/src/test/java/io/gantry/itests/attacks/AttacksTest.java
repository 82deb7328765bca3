package io.gantry.itests.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/** Every attack against this build's engine. */
@Tag("root")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AttacksTest {

  private final Map<String, Outcome> outcomes = new LinkedHashMap<>();
  private final List<Outcome> planted = new ArrayList<>();
  private Arena arena;

  @BeforeAll
  void open() throws IOException {
    arena = new Arena(new Gantry());
    Images.make(arena.api());
  }

  @AfterAll
  void close() {
    Table.keep(Table.GANTRY, outcomes.values());
    Table.keep(Table.UNGUARDED, planted);
    arena.close();
  }

  @TestFactory
  Stream<DynamicTest> theEngineHolds() {
    return Corpus.chosen().stream()
        .map(
            attack ->
                DynamicTest.dynamicTest(
                    attack.id(),
                    () -> {
                      Outcome outcome = arena.fight(attack);
                      outcomes.put(attack.id(), outcome);
                      assertTrue(
                          outcome.held(),
                          () -> attack.standsFor() + ": " + attack.holds() + ": " + outcome.why());
                    }));
  }

  @TestFactory
  Stream<DynamicTest> programsStayInside() throws IOException {
    Map<String, String> through = Programs.fight(arena.api());
    return Programs.all().stream()
        .map(
            attack ->
                DynamicTest.dynamicTest(
                    attack.id(),
                    () -> {
                      String words = through.get(attack.id());
                      outcomes.put(attack.id(), new Outcome(attack.id(), words.isEmpty(), words));
                      assertEquals("", words, attack.standsFor() + ": " + attack.holds());
                    }));
  }

  /**
   * A container without guards lets programs through, all but where the kernel has not got what
   * they reach for: those are left out of the table.
   */
  @Test
  void programsAreLetThroughWhereNoGuardIsUp() throws IOException {
    Map<String, Programs.Line> lines = Programs.planted(arena.api());
    Map<String, Programs.Line> guarded = Programs.guarded(arena.api());
    var stopped = new ArrayList<String>();
    lines.forEach(
        (name, line) -> {
          boolean through =
              line.outcome().equals("reached")
                  || !line.outcome().equals(guarded.get(name).outcome());
          planted.add(new Outcome(name, !through, through ? "" : line.words()));
          if (!through && !line.isAbsent()) {
            stopped.add(name + " " + line.words());
          }
        });
    // A kernel in lockdown refuses some.
    assertTrue(stopped.size() < lines.size() / 10, "they prove nothing here: " + stopped);
  }
}
