package io.gantry.itests.crash;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Namespace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The harness proves itself: on an engine with a fault in it each part reports what it is there to
 * report. {@code -Dcrash.planted=all} plants every fault, names plant these, else it is the one
 * that shows soonest.
 */
@Tag("root")
class PlantedTest {
  private static final int MOST_ROUNDS = 30;

  @TempDir Path scratch;

  static List<Fault> faults() {
    String planted = System.getProperty("crash.planted", Fault.UNDO_REMOVED.name());
    return planted.equals("all")
        ? Arrays.asList(Fault.values())
        : Arrays.stream(planted.split(",")).map(Fault::valueOf).toList();
  }

  @ParameterizedTest
  @MethodSource("faults")
  void aPlantedFaultIsReported(Fault fault) throws Exception {
    Path home = fault.plant(scratch);
    long seed = Long.getLong("crash.seed", System.nanoTime());
    Findings findings = new Findings();
    int rounds;
    if (fault == Fault.NO_DIRECTORY_SYNC) {
      PowerCuts power = new PowerCuts(Disk.Form.EXT4, seed, findings);
      power.run(home, MOST_ROUNDS, true);
      rounds = power.cuts();
    } else {
      // A new engine would sweep what an undo has left, or an end.
      boolean isSwept =
          EnumSet.of(Fault.UNDO_REMOVED, Fault.INGEST_LEFT, Fault.PORT_LEFT).contains(fault);
      var victim = isSwept ? KillRounds.Victim.SPAWNER : KillRounds.Victim.ENGINE;
      KillRounds kills = new KillRounds(victim, seed, findings);
      try (Namespace space = Namespace.make(Wire.ADDRESS)) {
        Instance engine = Instance.startAt(home, space, Files.createTempDirectory("gy"));
        try {
          kills.run(engine, MOST_ROUNDS, true);
        } finally {
          engine.discard();
        }
      }
      rounds = kills.rounds();
    }
    System.out.printf(
        "crash: planted %s, seed %d: reported after %d rounds, %s%n",
        fault, seed, rounds, findings.table());
    assertTrue(
        findings.all().stream().anyMatch(fault::isShownBy),
        fault + " was not reported in " + rounds + " rounds: " + findings.all());
  }
}
