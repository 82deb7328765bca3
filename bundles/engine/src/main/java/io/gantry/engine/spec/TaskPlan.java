package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ExecSpec;
import io.gantry.linux.UserMaps;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.exec.ProcessSpec;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.exec.TaskSpec.Namespace;
import io.gantry.spi.exec.TaskSpec.Namespace.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns a merged and filled container spec into what exec drivers take.
 *
 * @param id of the container
 * @param dir its run directory
 * @param rootfs from the storage driver
 * @param files on the host, by target in the container: hosts, hostname, resolv.conf
 * @param asked what else it was asked to have mounted
 * @param shm directory on the host that is its {@code /dev/shm}, or null for one of its own
 * @param joined pids of the containers whose namespaces it joins, by {@code pid}, {@code ipc},
 *     {@code network}
 * @param devices that it was asked to have
 * @param cdi what devices known by name add
 * @param apparmor profile of its processes, or empty for none
 * @param users who its users are on the host; null: the host's
 */
public record TaskPlan(
    String id,
    String dir,
    ContainerSpec spec,
    HostFacts facts,
    List<Mount> rootfs,
    Map<String, String> files,
    List<Mount> asked,
    @Nullable String shm,
    Map<String, Long> joined,
    Devices devices,
    CdiEdits cdi,
    String apparmor,
    @Nullable UserMaps users) {

  private static final String EXEC_FAILED = "OCI runtime exec failed: exec failed: ";

  public TaskSpec task(TaskSpec.Cgroup cgroup) {
    var host = spec.host();
    return new TaskSpec(
        id,
        dir,
        rootfs,
        host.files().readonlyRootfs(),
        mounts(),
        process(),
        namespaces(),
        host.namespaces().uts().equals(Modes.HOST) ? "" : spec.process().hostname(),
        host.namespaces().uts().equals(Modes.HOST) ? "" : spec.process().domainname(),
        both(devices.nodes(), cdi.devices()),
        orEmpty(host.privileges().maskedPaths()),
        orEmpty(host.privileges().readonlyPaths()),
        Sysctls.of(host, users == null ? Sysctls.MOST_GROUPS : users.groups().last()),
        propagation(),
        cgroup,
        Boolean.TRUE.equals(host.life().init()),
        Map.of(),
        users == null
            ? TaskSpec.IdMaps.NONE
            : new TaskSpec.IdMaps(users.users().lines(), users.groups().lines()));
  }

  /** Whether the container may make control groups in its own. */
  public boolean ownsGroups() {
    return SecurityOptions.parse(spec.host()).writableCgroups();
  }

  /** What the container's processes may open. */
  public List<String> deviceRules() {
    return both(devices.rules(), cdi.rules());
  }

  private ProcessSpec process() {
    var process = spec.process();
    var host = spec.host();
    var security = SecurityOptions.parse(host);
    return new ProcessSpec(
        ImageMerge.commandLine(process),
        environment(spec, cdi.env(), process.terminal()),
        process.workingDir().isEmpty() ? "/" : process.workingDir(),
        process.user(),
        both(host.privileges().groupAdd(), cdi.groups()),
        process.terminal(),
        host.console().rows(),
        host.console().columns(),
        capabilities(host.privileges().privileged()),
        security.noNewPrivileges(),
        security.seccomp(),
        confinement(),
        Rlimits.of(host.kernel().ulimits()),
        host.kernel().oomScoreAdj() == null ? Integer.valueOf(0) : host.kernel().oomScoreAdj());
  }

  /** One more process in the container. */
  public ProcessSpec process(ExecSpec exec, int rows, int columns) {
    check(exec);
    var host = spec.host();
    var security = SecurityOptions.parse(host);
    boolean privileged = exec.privileged() || host.privileges().privileged();
    return new ProcessSpec(
        exec.args(),
        environment(spec, exec.env(), exec.terminal()),
        !exec.workingDir().isEmpty()
            ? exec.workingDir()
            : spec.process().workingDir().isEmpty() ? "/" : spec.process().workingDir(),
        exec.user().isEmpty() ? spec.process().user() : exec.user(),
        host.privileges().groupAdd(),
        exec.terminal(),
        rows,
        columns,
        capabilities(privileged),
        security.noNewPrivileges(),
        security.seccomp(), // dockerd, too, takes neither from an exec that is privileged
        confinement(),
        Rlimits.of(host.kernel().ulimits()),
        host.kernel().oomScoreAdj() == null ? Integer.valueOf(0) : host.kernel().oomScoreAdj());
  }

  private @Nullable String confinement() {
    return apparmor.isEmpty() ? null : apparmor;
  }

  /** As dockerd, whose runtime says it when the process is to start. */
  private static void check(ExecSpec exec) {
    if (exec.env().stream().anyMatch(entry -> entry.startsWith("="))) {
      throw new GantryException(
          INVALID,
          EXEC_FAILED
              + "unable to start container process: invalid environment variable:"
              + " name cannot be empty");
    }
    if (!exec.workingDir().isEmpty() && !exec.workingDir().startsWith("/")) {
      throw new GantryException(INVALID, EXEC_FAILED + "Cwd must be an absolute path");
    }
  }

  private Set<String> capabilities(boolean privileged) {
    var host = spec.host();
    return privileged
        ? Capabilities.all(facts.capabilities())
        : Capabilities.of(
            host.privileges().capAdd(), host.privileges().capDrop(), facts.capabilities());
  }

  /** PATH, HOSTNAME and TERM, then the container's own, then further ones; a bare name removes. */
  static List<String> environment(ContainerSpec spec, List<String> further, boolean terminal) {
    var all = new LinkedHashMap<String, String>();
    put(all, Defaults.PATH);
    put(all, "HOSTNAME=" + spec.process().hostname());
    if (terminal) {
      put(all, "TERM=xterm");
    }
    spec.process().env().forEach(entry -> put(all, entry));
    further.forEach(entry -> put(all, entry));
    return List.copyOf(all.values());
  }

  private static void put(Map<String, String> all, String entry) {
    String name = ImageMerge.nameOf(entry);
    if (name.length() == entry.length()) {
      all.remove(name);
    } else {
      all.put(name, entry);
    }
  }

  private List<Namespace> namespaces() {
    var host = spec.host();
    var all = new ArrayList<Namespace>();
    all.add(new Namespace(Kind.MOUNT, null));
    add(all, Kind.PID, "pid", host.namespaces().pid());
    add(all, Kind.IPC, "ipc", host.namespaces().ipc());
    add(all, Kind.NETWORK, "net", host.namespaces().network());
    add(all, Kind.UTS, "uts", host.namespaces().uts());
    add(all, Kind.CGROUP, "cgroup", host.namespaces().cgroup());
    if (users != null) {
      add(all, Kind.USER, "user", "");
    }
    return all;
  }

  private void add(List<Namespace> all, Kind kind, String file, String mode) {
    if (mode.equals(Modes.HOST)) {
      return;
    }
    Long pid = joined.get(file);
    all.add(new Namespace(kind, pid == null ? null : "/proc/" + pid + "/ns/" + file));
  }

  /** What is mounted into it without the kernel's own and tmpfs, in order. */
  public List<Mount> stacked() {
    return own().stream().filter(mount -> !mount.type().equals("tmpfs")).toList();
  }

  /** Where, while it does not run, files have its own users' numbers and not the host's. */
  public List<String> ownPaths() {
    var paths = new ArrayList<>(List.of("/"));
    own().stream()
        .filter(mount -> mount.source().equals(files.get(mount.target())))
        .forEach(mount -> paths.add(mount.target()));
    return paths;
  }

  /** All it was asked to have mounted, and the engine's files. */
  public List<Mount> everything() {
    return own();
  }

  private List<Mount> mounts() {
    var mine = own();
    var all = new ArrayList<>(kernelMounts());
    all.removeIf(mount -> mine.stream().anyMatch(own -> own.target().equals(mount.target())));
    all.addAll(mine);
    return all;
  }

  /** What it was asked to have mounted, in order. */
  private List<Mount> own() {
    var mine = new ArrayList<Mount>();
    String access = spec.host().files().readonlyRootfs() ? "ro" : "rw";
    files.forEach(
        (target, source) ->
            mine.add(new Mount("bind", source, target, mapped(List.of("rprivate", access)))));
    for (Mount mount : both(asked, cdi.mounts())) {
      mine.removeIf(other -> other.target().equals(mount.target()));
      mine.add(mount);
    }
    spec.host()
        .files()
        .tmpfs()
        .forEach(
            (target, options) ->
                mine.add(new Mount("tmpfs", "tmpfs", target, TmpfsOptions.merge(options))));
    mine.sort(Comparator.comparingInt(TaskPlan::depth).thenComparing(Mount::target));
    return mine;
  }

  /** Of what the engine has made for the container: its own root's. */
  private List<String> mapped(List<String> options) {
    return users == null ? options : both(options, List.of("idmap"));
  }

  private static int depth(Mount mount) {
    return (int) mount.target().chars().filter(c -> c == '/').count();
  }

  private List<Mount> kernelMounts() {
    var host = spec.host();
    String sys = host.privileges().privileged() ? "rw" : "ro";
    var all = new ArrayList<Mount>();
    all.add(new Mount("proc", "proc", "/proc", List.of("nosuid", "noexec", "nodev")));
    all.add(
        new Mount(
            "tmpfs", "tmpfs", "/dev", List.of("nosuid", "strictatime", "mode=755", "size=65536k")));
    all.add(
        new Mount(
            "devpts",
            "devpts",
            "/dev/pts",
            List.of("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")));
    all.add(new Mount("sysfs", "sysfs", "/sys", List.of("nosuid", "noexec", "nodev", sys)));
    String groups = SecurityOptions.parse(host).writableCgroups() ? "rw" : "ro";
    // What belongs to a namespace of the host's cannot be mounted anew by users of its own.
    boolean bound = users != null && host.namespaces().cgroup().equals(Modes.HOST);
    if (bound && facts.cgroupVersion() == 2) {
      all.add(Mount.bind("/sys/fs/cgroup", "/sys/fs/cgroup", "rprivate", "ro"));
    } else {
      all.add(
          new Mount(
              "cgroup", "cgroup", "/sys/fs/cgroup", List.of(groups, "nosuid", "noexec", "nodev")));
    }
    if (users != null && host.namespaces().ipc().equals(Modes.HOST)) {
      shared(all, "/dev/mqueue");
    } else { // of the namespace that it is in, the host's too
      all.add(new Mount("mqueue", "mqueue", "/dev/mqueue", List.of("nosuid", "noexec", "nodev")));
    }
    switch (host.namespaces().ipc()) {
      case Modes.NONE -> {}
      case Modes.HOST -> shared(all, "/dev/shm");
      default -> all.add(shmMount());
    }
    return all;
  }

  /** The host's, where it has it. */
  private static void shared(List<Mount> all, String path) {
    if (Files.isDirectory(Path.of(path))) {
      all.add(Mount.bind(path, path, "rprivate"));
    }
  }

  private Mount shmMount() {
    return shm != null
        ? new Mount("bind", shm, "/dev/shm", mapped(List.of("rprivate")))
        : new Mount(
            "tmpfs",
            "shm",
            "/dev/shm",
            List.of(
                "nosuid", "noexec", "nodev", "mode=1777", "size=" + spec.host().files().shmSize()));
  }

  private String propagation() {
    boolean shared = false;
    boolean slave = false;
    for (Mount mount : asked) {
      shared |= mount.options().contains("shared") || mount.options().contains("rshared");
      slave |= mount.options().contains("slave") || mount.options().contains("rslave");
    }
    return shared ? "rshared" : slave ? "rslave" : "rprivate";
  }

  private static <T> List<T> both(List<T> some, List<T> others) {
    if (others.isEmpty()) {
      return some;
    }
    var all = new ArrayList<>(some);
    all.addAll(others);
    return all;
  }

  private static List<String> orEmpty(@Nullable List<String> paths) {
    return paths == null ? List.of() : paths;
  }
}
