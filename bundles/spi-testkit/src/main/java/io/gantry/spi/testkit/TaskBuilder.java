package io.gantry.spi.testkit;

import io.gantry.spi.Mount;
import io.gantry.spi.exec.ProcessSpec;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.exec.TaskSpec.Namespace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A task as the engine asks for it by default: own namespaces, Docker's mounts, masks and
 * capabilities; no cgroup. What a test is about is changed.
 */
public final class TaskBuilder {

  private static final Set<String> CAPABILITIES =
      Set.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_FSETID",
          "CAP_FOWNER",
          "CAP_MKNOD",
          "CAP_NET_RAW",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETFCAP",
          "CAP_SETPCAP",
          "CAP_NET_BIND_SERVICE",
          "CAP_SYS_CHROOT",
          "CAP_KILL",
          "CAP_AUDIT_WRITE");

  private static final List<String> MASKED =
      List.of(
          "/proc/acpi",
          "/proc/kcore",
          "/proc/keys",
          "/proc/latency_stats",
          "/proc/timer_list",
          "/proc/sched_debug",
          "/proc/scsi",
          "/sys/firmware");

  private static final List<String> READONLY =
      List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

  private final String id;
  private final String dir;
  private List<Mount> rootfs;
  private boolean readonlyRootfs;
  private final List<Mount> mounts = new ArrayList<>();
  private final List<Namespace> namespaces = new ArrayList<>();
  private String hostname = "box";
  private final List<TaskSpec.Device> devices = new ArrayList<>();
  private TaskSpec.Cgroup cgroup = new TaskSpec.Cgroup(List.of(), 1, "", List.of());
  private final Map<String, String> sysctls = new HashMap<>();
  private List<String> args = List.of("/bin/true");
  private List<String> env = List.of("PATH=/bin");
  private String cwd = "/";
  private String user = "";
  private List<String> groups = List.of();
  private boolean terminal;
  private Set<String> capabilities = CAPABILITIES;
  private boolean noNewPrivileges;
  private String seccomp = ProcessSpec.SECCOMP_DEFAULT;
  private List<ProcessSpec.Rlimit> rlimits = List.of();
  private @Nullable Integer oomScoreAdj;

  /**
   * @param id 64 hex
   * @param dir run directory
   * @param root the directory tree that is the container's root
   */
  public TaskBuilder(String id, String dir, String root) {
    this.id = id;
    this.dir = dir;
    this.rootfs = List.of(Mount.bind(root, "/"));
    mount("proc", "proc", "/proc", "nosuid", "noexec", "nodev");
    mount("tmpfs", "tmpfs", "/dev", "nosuid", "strictatime", "mode=755", "size=65536k");
    mount(
        "devpts",
        "devpts",
        "/dev/pts",
        "nosuid",
        "noexec",
        "newinstance",
        "ptmxmode=0666",
        "mode=0620",
        "gid=5");
    mount("sysfs", "sysfs", "/sys", "nosuid", "noexec", "nodev", "ro");
    mount("mqueue", "mqueue", "/dev/mqueue", "nosuid", "noexec", "nodev");
    mount("tmpfs", "shm", "/dev/shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k");
    for (Namespace.Kind kind : Namespace.Kind.values()) {
      if (kind != Namespace.Kind.USER && kind != Namespace.Kind.CGROUP) {
        namespaces.add(new Namespace(kind, null));
      }
    }
  }

  public TaskBuilder rootfs(Mount... mounts) {
    rootfs = List.of(mounts);
    return this;
  }

  public TaskBuilder readonlyRootfs() {
    readonlyRootfs = true;
    return this;
  }

  public TaskBuilder mount(String type, String source, String target, String... options) {
    mounts.add(new Mount(type, source, target, Arrays.asList(options)));
    return this;
  }

  /** Joins that namespace instead of having one of its own. */
  public TaskBuilder namespace(Namespace.Kind kind, @Nullable String path) {
    namespaces.removeIf(namespace -> namespace.kind() == kind);
    namespaces.add(new Namespace(kind, path));
    return this;
  }

  /** Shares the host's. */
  public TaskBuilder withoutNamespace(Namespace.Kind kind) {
    namespaces.removeIf(namespace -> namespace.kind() == kind);
    return this;
  }

  public TaskBuilder hostname(String name) {
    hostname = name;
    return this;
  }

  public TaskBuilder device(TaskSpec.Device device) {
    devices.add(device);
    return this;
  }

  public TaskBuilder cgroup(TaskSpec.Cgroup made) {
    cgroup = made;
    return this;
  }

  public TaskBuilder sysctl(String name, String value) {
    sysctls.put(name, value);
    return this;
  }

  public TaskBuilder args(String... words) {
    args = Arrays.asList(words);
    return this;
  }

  public TaskBuilder shell(String script) {
    return args("/bin/sh", "-c", script);
  }

  public TaskBuilder env(String... variables) {
    env = Arrays.asList(variables);
    return this;
  }

  public TaskBuilder cwd(String path) {
    cwd = path;
    return this;
  }

  public TaskBuilder user(String text, String... furtherGroups) {
    user = text;
    groups = Arrays.asList(furtherGroups);
    return this;
  }

  public TaskBuilder terminal() {
    terminal = true;
    return this;
  }

  public TaskBuilder capabilities(String... names) {
    capabilities = Set.of(names);
    return this;
  }

  public TaskBuilder noNewPrivileges() {
    noNewPrivileges = true;
    return this;
  }

  public TaskBuilder seccomp(String profile) {
    seccomp = profile;
    return this;
  }

  public TaskBuilder rlimit(String type, long soft, long hard) {
    rlimits = List.of(new ProcessSpec.Rlimit(type, soft, hard));
    return this;
  }

  public TaskBuilder oomScoreAdj(int adjustment) {
    oomScoreAdj = adjustment;
    return this;
  }

  public ProcessSpec process() {
    return new ProcessSpec(
        args,
        env,
        cwd,
        user,
        groups,
        terminal,
        0,
        0,
        capabilities,
        noNewPrivileges,
        seccomp,
        null,
        rlimits,
        oomScoreAdj);
  }

  public TaskSpec build() {
    return new TaskSpec(
        id,
        dir,
        rootfs,
        readonlyRootfs,
        mounts,
        process(),
        namespaces,
        hostname,
        "",
        devices,
        MASKED,
        READONLY,
        sysctls,
        "",
        cgroup,
        false,
        Map.of(),
        TaskSpec.IdMaps.NONE);
  }
}
