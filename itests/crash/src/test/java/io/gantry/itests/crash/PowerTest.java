package io.gantry.itests.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.itests.harness.Instance;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The power goes at random moments under load and comes back: what is durable by contract is there.
 * {@code -Dcrash.cuts=15} cuts so often on each file system.
 */
@Tag("root")
class PowerTest {

  @ParameterizedTest
  @EnumSource
  void whatIsDurableOutlivesThePower(Disk.Form form) throws Exception {
    long seed = Long.getLong("crash.seed", System.nanoTime());
    Findings findings = new Findings();
    PowerCuts power = new PowerCuts(form, seed, findings);
    power.run(Instance.home(), Integer.getInteger("crash.cuts", 1), false);
    System.out.printf(
        "crash: %-8s %3d cuts,   %5d steps, seed %d: %s%n",
        form, power.cuts(), power.steps(), seed, findings.table());
    assertEquals(List.of(), findings.all());
  }
}
