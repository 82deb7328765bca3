package io.gantry.engine.container;

import io.gantry.api.HostSpec;
import io.gantry.engine.spec.CgroupParent;
import io.gantry.linux.Cgroup;
import io.gantry.linux.CgroupControl;
import io.gantry.linux.CgroupTree;
import io.gantry.spi.exec.TaskSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Containers' control groups: below one parent per instance, or one that a client has named. */
final class Grouping {
  private final CgroupTree tree;
  private final String parent;
  private final Map<CgroupControl, Boolean> offered = new ConcurrentHashMap<>();

  Grouping(CgroupTree tree, String parent) {
    this.tree = tree;
    this.parent = parent;
  }

  Cgroup of(ContainerRecord record) {
    return tree.group(parent(record), record.id());
  }

  /** Below the parent of this instance, where every group is one of its containers'. */
  List<String> all() {
    return List.copyOf(tree.list(parent));
  }

  /** Whether this host can limit that. */
  boolean offers(CgroupControl control) {
    return offered.computeIfAbsent(control, asked -> tree.offers(parent, asked));
  }

  private String parent(ContainerRecord record) {
    String asked = record.spec().host().kernel().cgroupParent();
    return asked.isEmpty() ? parent : CgroupParent.parse(asked);
  }

  void create(ContainerRecord record, List<String> deviceRules) {
    var group = tree.create(parent(record), record.id());
    group.limit(KernelLimits.of(record.spec().host().limits()));
    if (group.version() == 1 && group.directoryOf("devices").isPresent()) {
      group.allowDevices(deviceRules);
    }
  }

  /** Sets limits of a group that is there; 0 and empty leave one as it is, -1 lifts it. */
  void change(ContainerRecord record, HostSpec.Limits limits) {
    of(record).limit(KernelLimits.of(limits));
  }

  void remove(ContainerRecord record) {
    remove(of(record));
  }

  /** One of {@link #all}. */
  void removeOwn(String id) {
    remove(tree.group(parent, id));
  }

  private static void remove(Cgroup group) {
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
}
