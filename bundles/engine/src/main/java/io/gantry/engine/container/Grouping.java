package io.gantry.engine.container;

import io.gantry.api.HostSpec;
import io.gantry.linux.Cgroup;
import io.gantry.linux.CgroupLimits;
import io.gantry.linux.CgroupTree;
import io.gantry.spi.exec.TaskSpec;
import java.nio.file.Path;
import java.util.List;

/** Containers' control groups: below one parent per instance, with the limits asked for. */
final class Grouping {
  private static final long PERIOD = 100_000;
  private static final long NANOS = 1_000_000_000;

  private final CgroupTree tree;
  private final String parent;

  Grouping(CgroupTree tree, String parent) {
    this.tree = tree;
    this.parent = parent;
  }

  Cgroup of(String id) {
    return tree.group(parent, id);
  }

  List<String> all() {
    return List.copyOf(tree.list(parent));
  }

  void create(String id, HostSpec.Limits limits, List<String> deviceRules) {
    var group = tree.create(parent, id);
    group.limit(inKernelsTerms(limits));
    if (group.version() == 1 && group.directoryOf("devices").isPresent()) {
      group.allowDevices(deviceRules);
    }
  }

  /**
   * Sets limits of a group that is there; 0 and empty leave one as it is, {@code pids} of -1 lifts
   * it.
   */
  void change(String id, HostSpec.Limits limits) {
    of(id).limit(inKernelsTerms(limits, limits.pids()));
  }

  void remove(String id) {
    var group = of(id);
    group.kill();
    group.remove();
  }

  static TaskSpec.Cgroup toDriver(Cgroup group, List<String> deviceRules) {
    return new TaskSpec.Cgroup(
        group.joins(), group.version(), group.directory().toString(), deviceRules);
  }

  static List<String> oomFiles(Cgroup group) {
    return group.oomFile().map(Path::toString).map(List::of).orElse(List.of());
  }

  static String cpuFile(Cgroup group) {
    return group.cpuFile().map(Path::toString).orElse("");
  }

  static CgroupLimits inKernelsTerms(HostSpec.Limits limits) {
    return inKernelsTerms(limits, limits.pids() < 0 ? 0 : limits.pids());
  }

  private static CgroupLimits inKernelsTerms(HostSpec.Limits limits, long pids) {
    boolean cpus = limits.nanoCpus() > 0;
    return new CgroupLimits(
        limits.memory(),
        limits.memorySwap(),
        limits.memoryReservation(),
        limits.cpuShares(),
        cpus ? limits.nanoCpus() * PERIOD / NANOS : limits.cpuQuota(),
        cpus ? PERIOD : limits.cpuPeriod(),
        limits.cpusetCpus(),
        limits.cpusetMems(),
        pids,
        limits.blkioWeight(),
        limits.oomKillDisable());
  }
}
