package io.gantry.linux;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes limits to the files of a control group, in an order the kernel accepts. */
final class CgroupLimiter {

  private static final long DEFAULT_PERIOD = 100_000;

  private final Cgroup group;

  CgroupLimiter(Cgroup group) {
    this.group = group;
  }

  void set(CgroupLimits limits) {
    if (group.version() == 2) {
      setUnified(limits);
    } else {
      setSplit(limits);
    }
  }

  private void setSplit(CgroupLimits limits) {
    setMemory(limits);
    number("memory", "memory.soft_limit_in_bytes", limits.memoryReservation());
    if (limits.oomKillDisable()) {
      write("memory", "memory.oom_control", "1");
    }
    if (limits.swappiness() != null) {
      write("memory", "memory.swappiness", Integer.toString(limits.swappiness()));
    }
    number("memory", "memory.kmem.tcp.limit_in_bytes", limits.kernelMemoryTcp());
    number("cpu", "cpu.shares", limits.cpuShares());
    number("cpu", "cpu.cfs_period_us", limits.cpuPeriod());
    number("cpu", "cpu.cfs_quota_us", limits.cpuQuota());
    realtime(limits);
    text("cpuset", "cpuset.cpus", limits.cpusetCpus());
    text("cpuset", "cpuset.mems", limits.cpusetMems());
    pids(limits);
    if (limits.blkioWeight() != 0) {
      boolean bfq = Files.exists(directory("blkio").resolve("blkio.bfq.weight"));
      number("blkio", bfq ? "blkio.bfq.weight" : "blkio.weight", limits.blkioWeight());
    }
    for (CgroupLimits.Block each : limits.block()) {
      boolean bfq =
          !each.rate().splitOfBfq.isEmpty()
              && Files.exists(directory("blkio").resolve(each.rate().splitOfBfq));
      write("blkio", bfq ? each.rate().splitOfBfq : each.rate().split, device(each) + each.value());
    }
  }

  private static String device(CgroupLimits.Block limit) {
    return limit.major() + ":" + limit.minor() + " ";
  }

  /** Both may be raised or lowered: one of the two orders is right, whatever was there. */
  private void realtime(CgroupLimits limits) {
    if (limits.realtimePeriod() != 0) {
      try {
        number("cpu", "cpu.rt_period_us", limits.realtimePeriod());
      } catch (GantryException e) {
        if (e.kind() != Kind.INVALID || limits.realtimeRuntime() == 0) {
          throw e;
        }
        number("cpu", "cpu.rt_runtime_us", limits.realtimeRuntime());
        number("cpu", "cpu.rt_period_us", limits.realtimePeriod());
      }
    }
    number("cpu", "cpu.rt_runtime_us", limits.realtimeRuntime());
  }

  /** The limit of memory may at no time be above that of memory and swap. */
  private void setMemory(CgroupLimits limits) {
    if (limits.memorySwap() == 0) {
      number("memory", "memory.limit_in_bytes", limits.memory());
      return;
    }
    String together = "memory.memsw.limit_in_bytes";
    boolean raised =
        limits.memorySwap() < 0
            || Long.parseUnsignedLong(Cgroup.read(directory("memory").resolve(together)))
                < limits.memorySwap();
    if (raised) {
      number("memory", together, limits.memorySwap());
      number("memory", "memory.limit_in_bytes", limits.memory());
    } else {
      number("memory", "memory.limit_in_bytes", limits.memory());
      number("memory", together, limits.memorySwap());
    }
  }

  private void setUnified(CgroupLimits limits) {
    if (limits.memorySwap() != 0) {
      limit("memory", "memory.swap.max", swap(limits));
    }
    if (limits.memory() != 0) {
      limit("memory", "memory.max", limits.memory());
    }
    if (limits.memoryReservation() != 0) {
      limit("memory", "memory.low", limits.memoryReservation());
    }
    if (limits.oomKillDisable()) {
      throw new GantryException(
          Kind.UNSUPPORTED, "cgroup version 2 cannot disable the out-of-memory killer");
    }
    if (limits.swappiness() != null
        || limits.kernelMemoryTcp() != 0
        || limits.realtimePeriod() != 0
        || limits.realtimeRuntime() != 0) {
      throw new GantryException(
          Kind.UNSUPPORTED,
          "cgroup version 2 has no swappiness, limit of TCP buffers or real-time share of a group");
    }
    if (limits.cpuShares() != 0) {
      write("cpu", "cpu.weight", Long.toString(weightOfShares(limits.cpuShares())));
    }
    if (limits.cpuQuota() != 0 || limits.cpuPeriod() != 0) {
      String quota = limits.cpuQuota() > 0 ? Long.toString(limits.cpuQuota()) : "max";
      long period = limits.cpuPeriod() == 0 ? DEFAULT_PERIOD : limits.cpuPeriod();
      write("cpu", "cpu.max", quota + " " + period);
    }
    text("cpuset", "cpuset.cpus", limits.cpusetCpus());
    text("cpuset", "cpuset.mems", limits.cpusetMems());
    pids(limits);
    if (limits.blkioWeight() != 0) {
      if (Files.exists(directory("blkio").resolve("io.bfq.weight"))) {
        number("blkio", "io.bfq.weight", limits.blkioWeight());
      } else {
        number("blkio", "io.weight", weightOfBlkio(limits.blkioWeight()));
      }
    }
    for (CgroupLimits.Block each : limits.block()) {
      if (each.rate() == CgroupLimits.Rate.WEIGHT) {
        deviceWeight(each);
      } else {
        String value = each.value() == 0 ? "max" : Long.toString(each.value());
        write("blkio", "io.max", device(each) + each.rate().unified + "=" + value);
      }
    }
  }

  private void deviceWeight(CgroupLimits.Block limit) {
    boolean bfq = Files.exists(directory("blkio").resolve("io.bfq.weight"));
    long weight = bfq ? limit.value() : weightOfBlkio(limit.value());
    write(
        "blkio",
        bfq ? "io.bfq.weight" : "io.weight",
        device(limit) + (limit.value() == 0 ? "default" : Long.toString(weight)));
  }

  /** Version 2 limits swap alone; 0 bytes of it are a limit, -1 is none. */
  static long swap(CgroupLimits limits) {
    if (limits.memorySwap() < 0) {
      return -1;
    }
    if (limits.memory() <= 0 || limits.memorySwap() < limits.memory()) {
      throw new GantryException(
          Kind.INVALID, "a limit of memory and swap needs a limit of memory that is not above it");
    }
    return limits.memorySwap() - limits.memory();
  }

  /** 2…262144 becomes 1…10000. */
  static long weightOfShares(long shares) {
    return 1 + (shares - 2) * 9999 / 262142;
  }

  /** 10…1000 becomes 1…10000. */
  static long weightOfBlkio(long weight) {
    return 1 + (weight - 10) * 9999 / 990;
  }

  private void pids(CgroupLimits limits) {
    if (limits.pids() != 0) {
      limit("pids", "pids.max", limits.pids());
    }
  }

  private void number(String controller, String file, long value) {
    if (value != 0) {
      write(controller, file, Long.toString(value));
    }
  }

  private void limit(String controller, String file, long value) {
    write(controller, file, value < 0 ? "max" : Long.toString(value));
  }

  private void text(String controller, String file, String value) {
    if (!value.isEmpty()) {
      write(controller, file, value);
    }
  }

  private void write(String controller, String file, String value) {
    Path path = directory(controller).resolve(file);
    if (!Files.exists(path)) {
      throw new GantryException(Kind.UNSUPPORTED, "this host has no " + file + " control");
    }
    Cgroup.write(path, value);
  }

  private Path directory(String controller) {
    return group
        .directoryOf(controller)
        .orElseThrow(
            () ->
                new GantryException(
                    Kind.UNSUPPORTED, "this host has no " + controller + " control group"));
  }
}
