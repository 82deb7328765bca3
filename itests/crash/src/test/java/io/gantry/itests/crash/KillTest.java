package io.gantry.itests.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Namespace;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * SIGKILL at random moments under load: to the engine, to the zygote, to monitors, to the helper
 * that serves names and ports. {@code -Dcrash.rounds=100} is the long form, {@code -Dcrash.seed}
 * repeats the choices of a former run.
 */
@Tag("root")
class KillTest {

  /**
   * @param few rounds, without {@code crash.rounds}
   */
  @ParameterizedTest
  @CsvSource({"ENGINE,4", "SPAWNER,3", "MONITOR,3", "NET,3"})
  void nothingIsLostOrHalfDone(KillRounds.Victim victim, int few) throws Exception {
    long seed = Long.getLong("crash.seed", System.nanoTime());
    Findings findings = new Findings();
    KillRounds kills = new KillRounds(victim, seed, findings);
    try (Namespace space = Namespace.make(Wire.ADDRESS);
        Instance engine = Instance.startIn(space)) {
      kills.run(engine, Integer.getInteger("crash.rounds", few), false);
      if (!findings.all().isEmpty()) {
        System.out.println(engine.log());
      }
    }
    System.out.printf(
        "crash: %-8s %3d rounds, %5d steps, seed %d: %s%n",
        victim, kills.rounds(), kills.steps(), seed, findings.table());
    assertEquals(List.of(), findings.all());
  }
}
