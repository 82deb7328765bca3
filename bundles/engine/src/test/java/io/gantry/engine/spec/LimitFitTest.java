package io.gantry.engine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.HostSpec.BlockLimits;
import io.gantry.api.HostSpec.DeviceValue;
import io.gantry.api.HostSpec.Limits;
import io.gantry.api.HostSpec.Realtime;
import io.gantry.linux.CgroupControl;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sentences as dockerd 28.5 says them. */
class LimitFitTest {
  private static final List<DeviceValue> DISK = List.of(new DeviceValue("/dev/vda", 100));
  private static final Limits ALL =
      new Limits(
          64 << 20,
          96 << 20,
          32 << 20,
          0,
          512,
          100_000,
          50_000,
          "0",
          "0",
          30,
          300,
          true,
          60,
          1 << 20,
          Realtime.NONE,
          new BlockLimits(DISK, DISK, DISK, DISK, DISK));

  private final List<String> warnings = new ArrayList<>();

  private Limits fit(Limits asked, Set<CgroupControl> lacking) {
    return LimitFit.fit(asked, control -> !lacking.contains(control), warnings);
  }

  @Test
  void whatTheHostKnowsStaysAsItIs() {
    assertEquals(ALL, fit(ALL, Set.of()));
    assertEquals(List.of(), warnings);
  }

  @Test
  void aHostWithoutAnyLimitsLeavesAllOutAndSaysSoOfEach() {
    var left = fit(ALL, EnumSet.allOf(CgroupControl.class));
    assertEquals(new Limits(0, -1, 0, 0, 0, 0, 0, "", "", 0, 0, false), left);
    assertEquals(
        List.of(
            "Your kernel does not support memory limit capabilities or the cgroup is not mounted."
                + " Limitation discarded.",
            "Your kernel does not support memory swappiness capabilities or the cgroup is not"
                + " mounted. Memory swappiness discarded.",
            "Your kernel does not support memory soft limit capabilities or the cgroup is not"
                + " mounted. Limitation discarded.",
            "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
            "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted."
                + " PIDs limit discarded.",
            "Your kernel does not support CPU shares or the cgroup is not mounted. Shares"
                + " discarded.",
            "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
            "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.",
            "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight"
                + " discarded.",
            "Your kernel does not support Block I/O weight_device or the cgroup is not mounted."
                + " Weight-device discarded.",
            "Your kernel does not support BPS Block I/O read limit or the cgroup is not mounted."
                + " Block I/O BPS read limit discarded.",
            "Your kernel does not support BPS Block I/O write limit or the cgroup is not mounted."
                + " Block I/O BPS write limit discarded.",
            "Your kernel does not support IOPS Block read limit or the cgroup is not mounted. Block"
                + " I/O IOPS read limit discarded.",
            "Your kernel does not support IOPS Block write limit or the cgroup is not mounted."
                + " Block I/O IOPS write limit discarded."),
        warnings);
  }

  @Test
  void memoryIsLimitedWithoutSwapWhereThatIsNotCounted() {
    assertEquals(-1, fit(ALL, Set.of(CgroupControl.SWAP)).memorySwap());
    assertEquals(
        List.of(
            "Your kernel does not support swap limit capabilities or the cgroup is not mounted."
                + " Memory limited without swap."),
        warnings);
  }

  @Test
  void noKillerAndNoLimitIsWarnedOf() {
    fit(new Limits(0, 0, 0, 0, 0, 0, 0, "", "", 0, 0, true), Set.of());
    assertEquals(
        List.of(
            "OOM killer is disabled for the container, but no memory limit is set, this can result"
                + " in the system running out of resources."),
        warnings);
  }

  @Test
  void someAreRefused() {
    var cpus = new Limits(0, 0, 0, 1, 0, 0, 0, "", "", 0, 0, false);
    assertEquals(
        "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup"
            + " is not mounted",
        assertThrows(GantryException.class, () -> fit(cpus, Set.of(CgroupControl.CPU_QUOTA)))
            .getMessage());
    var realtime =
        new Limits(
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            "",
            "",
            0,
            0,
            false,
            null,
            0,
            new Realtime(1000, 500),
            BlockLimits.NONE);
    assertEquals(realtime, fit(realtime, Set.of()));
    assertEquals(
        "Your kernel does not support CPU real-time scheduler",
        assertThrows(GantryException.class, () -> fit(realtime, Set.of(CgroupControl.REALTIME)))
            .getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "'',''",
    "/,''",
    "/a/b,a/b",
    "a/b/,a/b",
    "/a//./b,a/b",
    "a.slice,a.slice",
    "a-b-c.slice,a.slice/a-b.slice/a-b-c.slice",
    "-.slice,''",
    "/x/a-b.slice,x/a-b.slice",
  })
  void aParentIsAPathOrASlice(String asked, String path) {
    assertEquals(path, CgroupParent.parse(asked));
  }

  @ParameterizedTest
  @CsvSource({
    ".slice",
    "a--b.slice",
    "-a.slice",
    "a-.slice",
    "/a b",
    "/a/..b",
    "/../../a",
    "/a/../b",
    "'/a\nb'"
  })
  void anyOtherParentIsRefused(String asked) {
    assertEquals(
        GantryException.Kind.INVALID,
        assertThrows(GantryException.class, () -> CgroupParent.parse(asked)).kind());
  }
}
