package io.gantry.itests.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Town;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Engines die and start again, and so does the helper that serves names and proxied ports, while
 * clients ask without a pause: addresses, ports, rules and names stay what they are, and nothing is
 * left. {@code -Dcrash.rounds=30} is the long form: engines, and a third as many helpers.
 */
@Tag("root")
class NetworkKillTest {
  private static final int ENGINES = Integer.getInteger("crash.rounds", 5);
  private static final int HELPERS = Math.max(3, ENGINES / 3);

  /** Within so long clients are served again. */
  private static final long AGAIN_MILLIS = 1000;

  /** And where the host has much else to do now and then, within so many times that. */
  private static final int BUSY = 10;

  /** The gate waits longer before each restart of an engine that keeps dying. */
  private static final int DEATHS_PER_GATE = 4;

  @Test
  void nobodyNoticesThatAnEngineDies() {
    try (Town town = Town.open(Instance.home())) {
      List<String> before = town.standing();
      for (int i = 1; i <= ENGINES; i++) {
        ProcessHandle engine = town.engine().engine();
        Belongings.kill(engine.pid());
        Eventually.eventually("the engine is gone", () -> !engine.isAlive());
        town.awaitMore();
        town.engine().awaitAnswer();
        if (i % DEATHS_PER_GATE == 0) {
          town.engine().stop();
          town.awaitMore();
          town.engine().startAgain();
        }
        town.awaitMore();
        assertEquals(List.of(), town.failures(), "after death " + i);
        assertStands(before, town, "death " + i);
      }
    }
  }

  @Test
  void aHelperThatDiesIsReplacedAndOnlyItsClientsNotice() {
    try (Town town = Town.open(Instance.home())) {
      List<String> before = town.standing();
      List<Long> away = new ArrayList<>();
      for (int i = 1; i <= HELPERS; i++) {
        town.leaveHelper();
        Belongings.kill(town.engine().belongings().net().orElseThrow());
        long died = System.nanoTime();
        town.comeBackToHelper();
        town.awaitMore();
        away.add((System.nanoTime() - died) / 1_000_000);
        assertEquals(List.of(), town.failures(), "after death " + i);
        assertStands(before, town, "death " + i + " of the helper");
      }
      away.sort(null);
      long usual = away.get(HELPERS / 2);
      long longest = away.get(HELPERS - 1);
      System.out.printf(
          "net: %d helpers died, their clients were all served again after %d ms, %d at most%n",
          HELPERS, usual, longest);
      assertTrue(usual < AGAIN_MILLIS, "after " + away + " ms");
      assertTrue(longest < AGAIN_MILLIS * BUSY, "after " + away + " ms");
    }
  }

  static void assertStands(List<String> before, Town town, String when) {
    List<String> now = new ArrayList<>();
    try {
      Eventually.eventually(
          "all is as before",
          () -> {
            now.clear();
            now.addAll(town.standing());
            return now.equals(before);
          });
    } catch (AssertionError e) {
      assertEquals(String.join("\n", before), String.join("\n", now), "after " + when);
      throw e;
    }
  }
}
