package io.gantry.linux;

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
    boolean oomKillDisable) {

  public static final CgroupLimits NONE = new CgroupLimits(0, 0, 0, 0, 0, 0, "", "", 0, 0, false);
}
