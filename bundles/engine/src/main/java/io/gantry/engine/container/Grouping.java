package io.gantry.engine.container;

import io.gantry.api.HostSpec;
import io.gantry.engine.spec.CgroupParent;
import io.gantry.linux.Cgroup;
import io.gantry.linux.CgroupControl;
import io.gantry.linux.CgroupTree;
import io.gantry.linux.UserMaps;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.TaskSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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

  /** Lets the container's root make groups below its own, where the host has version 2. */
  void give(ContainerRecord record, UserMaps users) {
    var group = of(record);
    if (group.version() != 2) {
      return;
    }
    var directory = group.directory();
    for (String name :
        new String[] {"", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}) {
      try {
        Files.setAttribute(directory.resolve(name), "unix:uid", (int) users.users().root());
        Files.setAttribute(directory.resolve(name), "unix:gid", (int) users.groups().root());
      } catch (NoSuchFileException e) {
        // cgroup.threads is not in every group
      } catch (IOException e) {
        throw new GantryException(
            GantryException.Kind.INTERNAL, "chown " + directory.resolve(name) + ": " + e, e);
      }
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
