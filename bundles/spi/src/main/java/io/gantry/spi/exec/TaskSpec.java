package io.gantry.spi.exec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A container as an exec driver sees it; follows the OCI runtime specification 1.2, whose names it
 * keeps.
 *
 * @param id 64 hex
 * @param dir the container's run directory on the host, 0700, made by the engine
 * @param rootfs how to mount the root, as the storage driver said; the first one's target is {@code
 *     /}
 * @param readonlyRootfs the root is mounted read-only
 * @param mounts what is mounted into the root, in order; binds name host paths. {@code /proc},
 *     {@code /dev}, {@code /sys}, {@code /dev/pts}, {@code /dev/shm}, {@code /dev/mqueue} and
 *     {@code /sys/fs/cgroup} are in it where wanted
 * @param process what is run first
 * @param namespaces those that differ from the engine's; without a path they are new
 * @param hostname may be empty: as the namespace has it
 * @param domainname NIS domain, may be empty
 * @param devices nodes made in {@code /dev} beside the default ones
 * @param maskedPaths hidden
 * @param readonlyPaths read-only
 * @param sysctls kernel parameters of the container's namespaces, dotted names
 * @param rootfsPropagation {@code rprivate}, {@code rslave}, {@code rshared} or empty
 * @param cgroup what the engine made for it
 * @param init a reaper of ours is process 1 ({@code --init})
 * @param labels for the driver's own use; keys that start with {@code io.gantry.} are Gantry's
 * @param idMaps whom its users are on the host; the storage driver's mounts are shown through them,
 *     and binds with the option {@code idmap}; feature {@code userns}
 */
public record TaskSpec(
    String id,
    String dir,
    List<Mount> rootfs,
    boolean readonlyRootfs,
    List<Mount> mounts,
    ProcessSpec process,
    List<Namespace> namespaces,
    String hostname,
    String domainname,
    List<Device> devices,
    List<String> maskedPaths,
    List<String> readonlyPaths,
    Map<String, String> sysctls,
    String rootfsPropagation,
    Cgroup cgroup,
    boolean init,
    Map<String, String> labels,
    IdMaps idMaps) {

  public TaskSpec {
    rootfs = List.copyOf(rootfs);
    mounts = List.copyOf(mounts);
    namespaces = List.copyOf(namespaces);
    devices = List.copyOf(devices);
    maskedPaths = List.copyOf(maskedPaths);
    readonlyPaths = List.copyOf(readonlyPaths);
    sysctls = Map.copyOf(sysctls);
    labels = Map.copyOf(labels);
  }

  /**
   * What goes with a namespace of kind USER: lines of user_namespaces(7), {@code inside outside
   * length}.
   */
  public record IdMaps(List<String> users, List<String> groups) {

    /** Its users are those of the host. */
    public static final IdMaps NONE = new IdMaps(List.of(), List.of());

    public IdMaps {
      users = List.copyOf(users);
      groups = List.copyOf(groups);
      if (users.isEmpty() != groups.isEmpty()) {
        throw new GantryException(INVALID, "maps of users and of groups go together");
      }
    }

    public boolean isEmpty() {
      return users.isEmpty();
    }
  }

  /**
   * A namespace.
   *
   * @param path of the namespace file to join, or null for a new one
   */
  public record Namespace(Kind kind, @Nullable String path) {

    /** As in namespaces(7). */
    public enum Kind {
      PID,
      NETWORK,
      MOUNT,
      IPC,
      UTS,
      CGROUP,
      USER
    }
  }

  /**
   * A device node.
   *
   * @param path below {@code /dev}, in the container
   * @param type {@code c}, {@code b}, {@code u} or {@code p}
   * @param mode permission bits
   */
  public record Device(
      String path, String type, long major, long minor, int mode, long uid, long gid) {}

  /**
   * The control group the engine made, with its limits set.
   *
   * @param joins {@code cgroup.procs} files that the first process writes itself into: one on a
   *     unified hierarchy, several on v1 and hybrid
   * @param version 1 or 2 (hybrid is 1)
   * @param directory of the unified hierarchy (or of systemd's on v1); where device rules are
   *     attached on version 2
   * @param deviceRules what may be opened, as {@code a|c|b MAJOR:MINOR rwm} lines, {@code *} for
   *     any; on version 1 the engine has set them already
   */
  public record Cgroup(
      List<String> joins, int version, String directory, List<String> deviceRules) {

    public Cgroup {
      joins = List.copyOf(joins);
      deviceRules = List.copyOf(deviceRules);
    }
  }
}
