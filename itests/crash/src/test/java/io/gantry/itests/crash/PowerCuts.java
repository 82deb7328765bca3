package io.gantry.itests.crash;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Namespace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Rounds of load, the end of the power, a boot and a look at what is left. */
final class PowerCuts {
  private static final int MAX_STEPS = 60;
  private static final Duration LOAD = Duration.ofSeconds(6);
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final Disk.Form form;
  private final long seed;
  private final Random random;
  private final Findings findings;
  private int cuts;
  private int steps;

  PowerCuts(Disk.Form form, long seed, Findings findings) {
    this.form = form;
    this.seed = seed;
    this.random = new Random(seed);
    this.findings = findings;
  }

  int cuts() {
    return cuts;
  }

  int steps() {
    return steps;
  }

  /**
   * @param home the installation to run
   * @param most cuts
   * @param first whether the first one with a finding is the last
   */
  void run(Path home, int most, boolean first) throws Exception {
    Path scratch = Files.createTempDirectory("gy");
    try (Namespace space = Namespace.make(Wire.ADDRESS);
        Memory memory = new Memory(Files.createDirectory(scratch.resolve("run")));
        Disk disk = Disk.make(form, Files.createDirectory(scratch.resolve("data")))) {
      Instance engine = Instance.startAt(home, space, scratch);
      try (Load load = new Load(engine, seed, findings)) {
        while (cuts < most && !(first && !findings.all().isEmpty())) {
          cuts++;
          findings.context("cut %d of %s, seed %d".formatted(cuts, form, seed));
          cut(engine, load, disk, memory);
        }
        steps = load.steps();
      } finally {
        if (!findings.all().isEmpty()) {
          System.out.println(engine.log());
        }
        engine.cutPower();
      }
    } finally {
      Command.run(Map.of(), LIMIT, List.of("rm", "-rf", scratch.toString()));
    }
  }

  private void cut(Instance engine, Load load, Disk disk, Memory memory) throws Exception {
    load.begin();
    load.await(10 + random.nextInt(MAX_STEPS), LOAD);
    load.expectFailures(Client.ANY_FAILURE);
    disk.cut();
    engine.cutPower();
    load.end();
    memory.lose();
    disk.replug();
    engine.startAgain();
    load.engineHasDied();
    load.rememberWhatIsDurable();
    Checks checks = new Checks(engine, load, findings);
    checks.settle();
    checks.contents();
    checks.leaks();
  }

  /** The exec root: gone with the power. */
  private static final class Memory implements AutoCloseable {
    private final Path target;

    Memory(Path target) {
      this.target = target;
      mount();
    }

    void lose() {
      close();
      mount();
    }

    private void mount() {
      String to = target.toString();
      List<String> words = List.of("mount", "-t", "tmpfs", "-o", "mode=755", "gyrun", to);
      Command.run(Map.of(), LIMIT, words).ok();
    }

    @Override
    public void close() {
      Command.run(Map.of(), LIMIT, List.of("umount", "-l", target.toString()));
    }
  }
}
