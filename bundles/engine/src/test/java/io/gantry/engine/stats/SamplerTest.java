package io.gantry.engine.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Cgroup;
import io.gantry.linux.CgroupTree;
import io.gantry.linux.HostCpu;
import io.gantry.linux.StatLines;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("root")
@Timeout(120)
class SamplerTest {
  private static final String PARENT = "gantry-test-" + ProcessHandle.current().pid();

  private final CgroupTree tree = CgroupTree.detect();
  private final StatLines lines = new StatLines();
  private Cgroup group;
  private Process process;

  @BeforeEach
  void make() throws Exception {
    group = tree.create(PARENT, "a");
    process = new ProcessBuilder("unshare", "-n", "sleep", "1000").start();
    for (String join : group.joins()) {
      Files.writeString(Path.of(join), Long.toString(process.pid()));
    }
  }

  @AfterEach
  void take() throws Exception {
    process.destroyForcibly().waitFor();
    group.kill();
    group.remove();
    tree.removeParent(PARENT);
  }

  private Subject subject() {
    var run = new Subject.Run(this, group, process.pid(), true);
    return new Subject() {
      @Override
      public String id() {
        return "a";
      }

      @Override
      public String name() {
        return "name";
      }

      @Override
      public boolean isGone() {
        return false;
      }

      @Override
      public @Nullable Run run() {
        return run;
      }
    };
  }

  private long nanosOfASample(boolean kept) {
    long least = Long.MAX_VALUE;
    try (var sampler = new Sampler(subject(), InstantSource.system(), 1L << 40, kept)) {
      var host = HostCpu.read(lines);
      for (int round = 0; round < 30; round++) {
        long begin = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        for (int i = 0; i < 100; i++) {
          assertNotNull(sampler.sample(lines, host));
        }
        long took = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - begin;
        least = Math.min(least, took / 100);
      }
    }
    return least;
  }

  /** In processor time, which others on this machine do not change much. */
  @Test
  void aSampleCostsLessThanATenthOfAMillisecond() {
    long kept = nanosOfASample(true);
    long opened = nanosOfASample(false);
    System.out.printf(
        Locale.ROOT,
        "a sample of a container takes %d us of processor time, %d us with files not kept open%n",
        kept / 1000,
        opened / 1000);
    assertTrue(kept < 100_000, kept + " ns");
  }

  @Test
  void aGroupThatIsGoneHasUsedNothing() throws Exception {
    try (var sampler = new Sampler(subject(), InstantSource.system(), 1L << 40, true)) {
      var host = HostCpu.read(lines);
      var first = Objects.requireNonNull(sampler.sample(lines, host));
      assertEquals(1, first.pids().current());
      assertEquals(1L << 40, first.memory().limit());
      take();
      make(); // another of the same name
      var later = Objects.requireNonNull(sampler.sample(lines, host));
      assertEquals(0, later.pids().current(), "of the one that was opened");
    }
  }
}
