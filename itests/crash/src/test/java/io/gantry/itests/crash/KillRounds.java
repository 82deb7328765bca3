package io.gantry.itests.crash;

import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Instance;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** Rounds of load, one death and a look at what is left. */
final class KillRounds {

  enum Victim {
    ENGINE,
    SPAWNER,
    MONITOR,
    NET
  }

  private static final int MAX_STEPS = 60;

  /** A round that makes few steps is better than one that takes for ever on a slow machine. */
  private static final Duration LIMIT = Duration.ofSeconds(6);

  /** The gate waits longer before each restart of an engine that keeps dying. */
  private static final int DEATHS_PER_GATE = 4;

  private final Victim victim;
  private final long seed;
  private final Random random;
  private final Findings findings;
  private int rounds;
  private int steps;

  KillRounds(Victim victim, long seed, Findings findings) {
    this.victim = victim;
    this.seed = seed;
    this.random = new Random(seed);
    this.findings = findings;
  }

  int rounds() {
    return rounds;
  }

  int steps() {
    return steps;
  }

  /**
   * @param most rounds
   * @param first whether the first round with a finding is the last
   */
  void run(Instance engine, int most, boolean first) throws Exception {
    try (Load load = new Load(engine, seed, findings)) {
      run(engine, load, most, first);
    }
  }

  private void run(Instance engine, Load load, int most, boolean first) throws Exception {
    Checks checks = new Checks(engine, load, findings);
    Map<String, Integer> atRest = Rest.descriptors(engine); // once it has had a network
    while (rounds < most && !(first && !findings.all().isEmpty())) {
      rounds++;
      findings.context("round %d of %s, seed %d".formatted(rounds, victim, seed));
      load.begin();
      load.await(1 + random.nextInt(MAX_STEPS), LIMIT);
      LockSupport.parkNanos(random.nextInt(50) * 1_000_000L);
      Instant death = strike(engine, load);
      load.end();
      engine.awaitAnswer();
      checks.settle();
      if (victim == Victim.ENGINE) {
        checks.history(death);
      }
      checks.leaks();
    }
    findings.context("the end of " + victim + ", seed " + seed);
    Rest.after(engine, load, checks, findings, atRest);
    steps = load.steps();
  }

  /** Returns when it was over. */
  private Instant strike(Instance engine, Load load) {
    Instant death = Instant.now();
    switch (victim) {
      case ENGINE -> {
        ProcessHandle jvm = engine.engine();
        load.expectForgottenExecs();
        Belongings.kill(jvm.pid());
        Eventually.eventually("the engine is gone", () -> !jvm.isAlive());
        death = Instant.now();
        load.end();
        load.engineHasDied();
        if (rounds % DEATHS_PER_GATE == 0) {
          engine.awaitAnswer();
          engine.stop();
          engine.startAgain();
          death = Instant.now(); // events are those of the engine that serves
        }
      }
      case SPAWNER -> {
        load.expectFailures(500);
        engine.belongings().spawner().ifPresent(Belongings::kill);
      }
      case MONITOR -> killMonitors(engine, load);
      case NET -> engine.belongings().net().ifPresent(Belongings::kill);
    }
    if (victim != Victim.ENGINE) { // the engine has to cope with it while clients go on
      LockSupport.parkNanos(200_000_000);
    }
    return death;
  }

  private void killMonitors(Instance engine, Load load) {
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
