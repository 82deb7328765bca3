package io.gantry.itests.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * SIGKILL at random moments under load: to the engine, to the zygote, to monitors. {@code
 * -Dcrash.rounds=100} is the long form, {@code -Dcrash.seed} repeats the choices of a former run.
 */
@Tag("root")
class KillTest {

  enum Victim {
    ENGINE(4),
    SPAWNER(3),
    MONITOR(3);

    /** Without {@code crash.rounds}. */
    final int rounds;

    Victim(int rounds) {
      this.rounds = rounds;
    }
  }

  private static final int MAX_STEPS = 60;

  /** A round that makes few steps is better than one that takes for ever on a slow machine. */
  private static final Duration LIMIT = Duration.ofSeconds(6);

  /** The gate waits longer before each restart of an engine that keeps dying. */
  private static final int DEATHS_PER_GATE = 4;

  private final long seed = Long.getLong("crash.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final Findings findings = new Findings();

  @ParameterizedTest
  @EnumSource
  void nothingIsLostOrHalfDone(Victim victim) throws Exception {
    int rounds = Integer.getInteger("crash.rounds", victim.rounds);
    int steps;
    try (Instance engine = Instance.start()) {
      Load load = new Load(engine, seed, findings);
      Checks checks = new Checks(engine, findings);
      Map<String, Integer> atRest = Rest.descriptors(engine);
      for (int round = 1; round <= rounds; round++) {
        findings.context("round %d of %s, seed %d".formatted(round, victim, seed));
        load.begin();
        load.await(1 + random.nextInt(MAX_STEPS), LIMIT);
        LockSupport.parkNanos(random.nextInt(50) * 1_000_000L);
        strike(victim, engine, load, round);
        load.end();
        engine.awaitAnswer();
        checks.settle(load.clients);
        checks.leaks();
      }
      findings.context("the end of " + victim + ", seed " + seed);
      Rest.after(engine, load, findings, atRest);
      steps = load.steps();
    }
    System.out.printf(
        "crash: %-8s %3d rounds, %5d steps, seed %d: %s%n",
        victim, rounds, steps, seed, findings.table());
    assertEquals(List.of(), findings.all());
  }

  private void strike(Victim victim, Instance engine, Load load, int round) throws IOException {
    switch (victim) {
      case ENGINE -> {
        Belongings.kill(engine.engine().pid());
        load.end();
        if (round % DEATHS_PER_GATE == 0) {
          engine.awaitAnswer();
          engine.stop();
          engine.startAgain();
        }
      }
      case SPAWNER -> {
        load.clients.forEach(client -> client.shaken = true);
        engine.belongings().spawner().ifPresent(Belongings::kill);
      }
      case MONITOR -> killMonitor(engine, load);
    }
    if (victim != Victim.ENGINE) { // the engine has to cope with it while clients go on
      LockSupport.parkNanos(200_000_000);
    }
  }

  private void killMonitor(Instance engine, Load load) {
    List<Map.Entry<String, Long>> all = new ArrayList<>(engine.belongings().monitors().entrySet());
    int count = Math.min(all.size(), 1 + random.nextInt(2));
    for (int i = 0; i < count; i++) {
      Map.Entry<String, Long> monitor = all.remove(random.nextInt(all.size()));
      Tracked one = load.find(monitor.getKey());
      if (one != null) {
        one.monitorKilled = true;
        Belongings.kill(monitor.getValue());
      }
    }
  }
}
