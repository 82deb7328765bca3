package io.gantry.engine.spec;

import io.gantry.api.HostSpec.BlockLimits;
import io.gantry.api.HostSpec.DeviceValue;
import io.gantry.api.HostSpec.Limits;
import io.gantry.api.HostSpec.Realtime;
import io.gantry.linux.CgroupControl;
import io.gantry.spi.GantryException;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Leaves out the limits that this host does not know, with dockerd's warnings and refusals. */
public final class LimitFit {
  private final Predicate<CgroupControl> offered;
  private final List<String> warnings;

  private LimitFit(Predicate<CgroupControl> offered, List<String> warnings) {
    this.offered = offered;
    this.warnings = warnings;
  }

  /**
   * @param offered asked only about what is wanted
   * @param warnings gets a sentence for each that is left out
   * @throws GantryException INVALID for what dockerd does not leave out
   */
  public static Limits fit(Limits asked, Predicate<CgroupControl> offered, List<String> warnings) {
    return new LimitFit(offered, warnings).fit(asked);
  }

  private Limits fit(Limits asked) {
    long memory = asked.memory();
    long swap = asked.memorySwap();
    if (lacks(memory > 0, CgroupControl.MEMORY, "memory limit", "Limitation discarded.")) {
      memory = 0;
      swap = -1;
    }
    if (lacks(
        memory > 0 && swap >= 0,
        CgroupControl.SWAP,
        "swap limit",
        "Memory limited without swap.")) {
      swap = -1;
    }
    Integer swappiness = swappiness(asked.swappiness());
    boolean noReservation =
        lacks(
            asked.memoryReservation() > 0,
            CgroupControl.RESERVATION,
            "memory soft limit",
            "Limitation discarded.");
    long tcp = offers(asked.kernelMemoryTcp(), CgroupControl.KERNEL_TCP);
    boolean oomKillDisable = oomKillDisable(asked.oomKillDisable(), memory);
    boolean noPids =
        lacks(asked.pids() > 0, CgroupControl.PIDS, "PIDs limit", "PIDs limit discarded.");
    if (asked.nanoCpus() > 0 && !offered.test(CgroupControl.CPU_QUOTA)) {
      throw new GantryException(
          GantryException.Kind.INVALID,
          "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup"
              + " is not mounted");
    }
    boolean noShares =
        warned(
            asked.cpuShares() > 0,
            CgroupControl.CPU_SHARES,
            "Your kernel does not support CPU shares or the cgroup is not mounted. Shares"
                + " discarded.");
    boolean noQuota =
        warned(
            asked.cpuPeriod() != 0 || asked.cpuQuota() != 0,
            CgroupControl.CPU_QUOTA,
            "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.");
    realtime(asked.realtime());
    boolean noCpuset =
        warned(
            !asked.cpusetCpus().isEmpty() || !asked.cpusetMems().isEmpty(),
            CgroupControl.CPUSET,
            "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.");
    boolean noWeight =
        warned(
            asked.blkioWeight() > 0,
            CgroupControl.BLOCK_WEIGHT,
            "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight"
                + " discarded.");
    return new Limits(
        memory,
        swap,
        noReservation ? 0 : asked.memoryReservation(),
        asked.nanoCpus(),
        noShares ? 0 : asked.cpuShares(),
        noQuota ? 0 : asked.cpuPeriod(),
        noQuota ? 0 : asked.cpuQuota(),
        noCpuset ? "" : asked.cpusetCpus(),
        noCpuset ? "" : asked.cpusetMems(),
        noPids ? 0 : asked.pids(),
        noWeight ? 0 : asked.blkioWeight(),
        oomKillDisable,
        swappiness,
        tcp,
        asked.realtime(),
        block(asked.block()));
  }

  private @Nullable Integer swappiness(@Nullable Integer asked) {
    boolean lacks =
        lacks(
            asked != null,
            CgroupControl.SWAPPINESS,
            "memory swappiness",
            "Memory swappiness discarded.");
    return lacks ? null : asked;
  }

  private long offers(long asked, CgroupControl control) {
    return asked > 0 && !offered.test(control) ? 0 : asked; // dockerd says nothing
  }

  private boolean oomKillDisable(boolean asked, long memory) {
    if (warned(
        asked,
        CgroupControl.OOM_KILL_DISABLE,
        "Your kernel does not support OomKillDisable. OomKillDisable discarded.")) {
      return false;
    }
    if (asked && memory == 0) {
      warnings.add(
          "OOM killer is disabled for the container, but no memory limit is set, this can result"
              + " in the system running out of resources.");
    }
    return asked;
  }

  private void realtime(Realtime asked) {
    boolean wanted = asked.period() != 0 || asked.runtime() != 0;
    if (wanted && !offered.test(CgroupControl.REALTIME)) {
      throw new GantryException(
          GantryException.Kind.INVALID, "Your kernel does not support CPU real-time scheduler");
    }
  }

  private BlockLimits block(BlockLimits asked) {
    return new BlockLimits(
        devices(
            asked.weights(),
            CgroupControl.BLOCK_WEIGHT_DEVICE,
            "Block I/O weight_device",
            "Weight-device discarded."),
        devices(
            asked.readBps(),
            CgroupControl.READ_BPS,
            "BPS Block I/O read limit",
            "Block I/O BPS read limit discarded."),
        devices(
            asked.writeBps(),
            CgroupControl.WRITE_BPS,
            "BPS Block I/O write limit",
            "Block I/O BPS write limit discarded."),
        devices(
            asked.readIops(),
            CgroupControl.READ_IOPS,
            "IOPS Block read limit",
            "Block I/O IOPS read limit discarded."),
        devices(
            asked.writeIops(),
            CgroupControl.WRITE_IOPS,
            "IOPS Block write limit",
            "Block I/O IOPS write limit discarded."));
  }

  private List<DeviceValue> devices(
      List<DeviceValue> asked, CgroupControl control, String what, String result) {
    String sentence =
        "Your kernel does not support " + what + " or the cgroup is not mounted. " + result;
    return warned(!asked.isEmpty(), control, sentence) ? List.of() : asked;
  }

  private boolean lacks(boolean wanted, CgroupControl control, String what, String result) {
    return warned(
        wanted,
        control,
        "Your kernel does not support "
            + what
            + " capabilities or the cgroup is not mounted. "
            + result);
  }

  private boolean warned(boolean wanted, CgroupControl control, String sentence) {
    if (!wanted || offered.test(control)) {
      return false;
    }
    warnings.add(sentence);
    return true;
  }
}
