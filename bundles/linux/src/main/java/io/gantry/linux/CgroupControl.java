package io.gantry.linux;

import java.util.List;

/** What can be limited, with the files that stand for it on either version; one of them does. */
public enum CgroupControl {
  MEMORY("memory", List.of("memory.limit_in_bytes"), List.of("memory.max")),
  SWAP("memory", List.of("memory.memsw.limit_in_bytes"), List.of("memory.swap.max")),
  RESERVATION("memory", List.of("memory.soft_limit_in_bytes"), List.of("memory.low")),
  SWAPPINESS("memory", List.of("memory.swappiness"), List.of()),
  KERNEL_TCP("memory", List.of("memory.kmem.tcp.limit_in_bytes"), List.of()),
  OOM_KILL_DISABLE("memory", List.of("memory.oom_control"), List.of()),
  CPU_SHARES("cpu", List.of("cpu.shares"), List.of("cpu.weight")),
  CPU_QUOTA("cpu", List.of("cpu.cfs_quota_us"), List.of("cpu.max")),
  REALTIME("cpu", List.of("cpu.rt_runtime_us"), List.of()),
  CPUSET("cpuset", List.of("cpuset.cpus"), List.of("cpuset.cpus")),
  PIDS("pids", List.of("pids.max"), List.of("pids.max")),
  BLOCK_WEIGHT(
      "blkio", List.of("blkio.weight", "blkio.bfq.weight"), List.of("io.weight", "io.bfq.weight")),
  BLOCK_WEIGHT_DEVICE(
      "blkio",
      List.of("blkio.weight_device", "blkio.bfq.weight_device"),
      List.of("io.weight", "io.bfq.weight")),
  READ_BPS("blkio", List.of("blkio.throttle.read_bps_device"), List.of("io.max")),
  WRITE_BPS("blkio", List.of("blkio.throttle.write_bps_device"), List.of("io.max")),
  READ_IOPS("blkio", List.of("blkio.throttle.read_iops_device"), List.of("io.max")),
  WRITE_IOPS("blkio", List.of("blkio.throttle.write_iops_device"), List.of("io.max"));

  final String controller;
  private final List<String> split;
  private final List<String> unified;

  CgroupControl(String controller, List<String> split, List<String> unified) {
    this.controller = controller;
    this.split = split;
    this.unified = unified;
  }

  List<String> files(int version) {
    return version == 2 ? unified : split;
  }
}
