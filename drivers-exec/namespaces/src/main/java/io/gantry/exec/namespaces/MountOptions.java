package io.gantry.exec.namespaces;

import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_ATIME;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_NOATIME;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_NODEV;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_NODIRATIME;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_NOEXEC;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_NOSUID;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_RDONLY;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_RELATIME;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_STRICTATIME;
import static io.gantry.monitor.program.KernelFlags.MS_PRIVATE;
import static io.gantry.monitor.program.KernelFlags.MS_SHARED;
import static io.gantry.monitor.program.KernelFlags.MS_SLAVE;
import static io.gantry.monitor.program.KernelFlags.MS_UNBINDABLE;

import java.util.ArrayList;
import java.util.List;

/**
 * Options as in fstab(5), taken apart.
 *
 * @param set MOUNT_ATTR_* to set
 * @param clear MOUNT_ATTR_* to clear first
 * @param propagation one of MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE
 * @param recursive a bind takes what is mounted below along
 * @param deep what is mounted below becomes read-only, too
 * @param mapped files of a bind have the numbers of the container's users
 * @param data the file system's own options
 */
record MountOptions(
    long set,
    long clear,
    long propagation,
    boolean recursive,
    boolean deep,
    boolean mapped,
    List<String> data) {

  MountOptions {
    data = List.copyOf(data);
  }

  static MountOptions parse(List<String> options) {
    var parser = new Parser();
    options.forEach(parser::take);
    return new MountOptions(
        parser.set,
        parser.clear,
        parser.propagation,
        parser.recursive,
        parser.deep,
        parser.mapped,
        parser.data);
  }

  private static final class Parser {
    private long set;
    private long clear;
    private long propagation = MS_PRIVATE;
    private boolean recursive;
    private boolean deep;
    private boolean mapped;
    private final List<String> data = new ArrayList<>();

    void take(String option) {
      switch (option) {
        case "ro" -> set(MOUNT_ATTR_RDONLY);
        case "rro" -> {
          set(MOUNT_ATTR_RDONLY);
          deep = true;
        }
        case "idmap" -> mapped = true;
        case "rw" -> clear(MOUNT_ATTR_RDONLY);
        case "nosuid" -> set(MOUNT_ATTR_NOSUID);
        case "suid" -> clear(MOUNT_ATTR_NOSUID);
        case "nodev" -> set(MOUNT_ATTR_NODEV);
        case "dev" -> clear(MOUNT_ATTR_NODEV);
        case "noexec" -> set(MOUNT_ATTR_NOEXEC);
        case "exec" -> clear(MOUNT_ATTR_NOEXEC);
        case "nodiratime" -> set(MOUNT_ATTR_NODIRATIME);
        case "diratime" -> clear(MOUNT_ATTR_NODIRATIME);
        case "noatime" -> accessTimes(MOUNT_ATTR_NOATIME);
        case "relatime" -> accessTimes(MOUNT_ATTR_RELATIME);
        case "strictatime" -> accessTimes(MOUNT_ATTR_STRICTATIME);
        case "bind" -> recursive = false;
        case "rbind" -> recursive = true;
        case "private", "rprivate" -> propagation = MS_PRIVATE;
        case "slave", "rslave" -> propagation = MS_SLAVE;
        case "shared", "rshared" -> propagation = MS_SHARED;
        case "unbindable", "runbindable" -> propagation = MS_UNBINDABLE;
        case "defaults" -> {
          // says that nothing special is wanted
        }
        default -> data.add(option);
      }
    }

    private void set(long attribute) {
      set |= attribute;
      clear &= ~attribute;
    }

    private void clear(long attribute) {
      clear |= attribute;
      set &= ~attribute;
    }

    private void accessTimes(long way) {
      set = (set & ~MOUNT_ATTR_ATIME) | way;
      clear |= MOUNT_ATTR_ATIME;
    }
  }
}
