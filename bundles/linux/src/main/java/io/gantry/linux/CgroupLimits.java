package io.gantry.linux;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a control group may use, in the terms of version 1 and of Docker; on version 2 they are
 * converted as runc does. 0 and empty leave a limit as it is.
 *
 * @param memory bytes; -1: no limit
 * @param memorySwap bytes of memory and swap together; -1: no limit
 * @param memoryReservation bytes that reclaim leaves alone when it can; -1: no limit
 * @param cpuShares 2 to 262144; 1024 is usual
 * @param cpuQuota microseconds per period; -1: no limit
 * @param cpuPeriod microseconds
 * @param cpusetCpus {@code 0-3,7}
 * @param pids processes and threads; -1: no limit
 * @param blkioWeight 10 to 1000
 * @param oomKillDisable version 1 only
 * @param swappiness 0 to 100, version 1 only; null leaves it
 * @param kernelMemoryTcp bytes, version 1 only; -1: no limit
 * @param realtimePeriod microseconds, version 1 only
 * @param realtimeRuntime microseconds of the period, version 1 only
 * @param block by device
 */
public record CgroupLimits(
    long memory,
    long memorySwap,
    long memoryReservation,
    long cpuShares,
    long cpuQuota,
    long cpuPeriod,
    String cpusetCpus,
    String cpusetMems,
    long pids,
    int blkioWeight,
    boolean oomKillDisable,
    @Nullable Integer swappiness,
    long kernelMemoryTcp,
    long realtimePeriod,
    long realtimeRuntime,
    List<Block> block) {

  /** What of a block device is limited. */
  public enum Rate {
    WEIGHT("blkio.weight_device", "blkio.bfq.weight_device", ""),
    READ_BPS("blkio.throttle.read_bps_device", "", "rbps"),
    WRITE_BPS("blkio.throttle.write_bps_device", "", "wbps"),
    READ_IOPS("blkio.throttle.read_iops_device", "", "riops"),
    WRITE_IOPS("blkio.throttle.write_iops_device", "", "wiops");

    final String split;
    final String splitOfBfq;
    final String unified;

    Rate(String split, String splitOfBfq, String unified) {
      this.split = split;
      this.splitOfBfq = splitOfBfq;
      this.unified = unified;
    }
  }

  /**
   * A limit of a block device.
   *
   * @param value a weight of 10 to 1000, or a number each second; 0 lifts the limit
   */
  public record Block(Rate rate, long major, long minor, long value) {}

  public static final CgroupLimits NONE = new CgroupLimits(0, 0, 0, 0, 0, 0, "", "", 0, 0, false);

  public CgroupLimits {
    block = List.copyOf(block);
  }

  /** Without those that only some hosts know. */
  public CgroupLimits(
      long memory,
      long memorySwap,
      long memoryReservation,
      long cpuShares,
      long cpuQuota,
      long cpuPeriod,
      String cpusetCpus,
      String cpusetMems,
      long pids,
      int blkioWeight,
      boolean oomKillDisable) {
    this(
        memory,
        memorySwap,
        memoryReservation,
        cpuShares,
        cpuQuota,
        cpuPeriod,
        cpusetCpus,
        cpusetMems,
        pids,
        blkioWeight,
        oomKillDisable,
        null,
        0,
        0,
        0,
        List.of());
  }
}
