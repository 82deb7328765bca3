package io.gantry.exec.namespaces;

import static io.gantry.monitor.program.KernelFlags.CLONE_NEWCGROUP;
import static io.gantry.monitor.program.KernelFlags.CLONE_NEWIPC;
import static io.gantry.monitor.program.KernelFlags.CLONE_NEWNET;
import static io.gantry.monitor.program.KernelFlags.CLONE_NEWNS;
import static io.gantry.monitor.program.KernelFlags.CLONE_NEWPID;
import static io.gantry.monitor.program.KernelFlags.CLONE_NEWUTS;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_RDONLY;
import static io.gantry.monitor.program.KernelFlags.MS_PRIVATE;
import static io.gantry.monitor.program.KernelFlags.MS_REC;
import static io.gantry.monitor.program.KernelFlags.MS_SHARED;
import static io.gantry.monitor.program.KernelFlags.MS_SLAVE;

import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.exec.Launch;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.exec.TaskSpec.Namespace;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Plans the start of one container. The order matters throughout: cgroups before their namespace,
 * sources of binds before the host is out of sight and before propagation is cut (so that a bind
 * that is to be shared still is), targets after the container's root is in place, what the process
 * is limited to last.
 */
final class TaskProgram {

  /** In the order in which they are joined; that of pids starts a new process and so comes last. */
  private static final Map<Namespace.Kind, Long> FLAGS =
      new EnumMap<>(
          Map.of(
              Namespace.Kind.MOUNT, CLONE_NEWNS,
              Namespace.Kind.IPC, CLONE_NEWIPC,
              Namespace.Kind.UTS, CLONE_NEWUTS,
              Namespace.Kind.NETWORK, CLONE_NEWNET,
              Namespace.Kind.CGROUP, CLONE_NEWCGROUP,
              Namespace.Kind.PID, CLONE_NEWPID));

  private static final List<Namespace.Kind> JOINED =
      List.of(
          Namespace.Kind.IPC,
          Namespace.Kind.UTS,
          Namespace.Kind.NETWORK,
          Namespace.Kind.CGROUP,
          Namespace.Kind.PID);

  private static final String CGROUP_ROOT = "/sys/fs/cgroup";

  private final TaskSpec spec;
  private final Kernel kernel;
  private final ProcessProgram process;
  private final OpProgram program = new OpProgram();
  private final OpProgram early = new OpProgram();
  private final Map<Namespace.Kind, Namespace> namespaces = new EnumMap<>(Namespace.Kind.class);
  private final Queue<Integer> slots = new ArrayDeque<>();
  private final List<String> madeReadonly = new ArrayList<>();
  private int nextSlot;
  private @Nullable List<CgroupMounts.View> cgroupViews;

  TaskProgram(TaskSpec spec, Kernel kernel, ProcessProgram process) {
    this.spec = spec;
    this.kernel = kernel;
    this.process = process;
    for (Namespace namespace : spec.namespaces()) {
      if (namespaces.put(namespace.kind(), namespace) != null) {
        throw new GantryException(
            Kind.INVALID, "namespace " + namespace.kind() + " is given twice");
      }
    }
  }

  Launch plan() {
    checkNamespaces();
    enterCgroup();
    joinNamespaces();
    openSources();
    program.propagation(MS_REC | MS_PRIVATE);
    mountRoot();
    for (int i = 1; i < spec.rootfs().size(); i++) {
      mount(spec.rootfs().get(i));
    }
    spec.mounts().forEach(this::mount);
    fillRoot();
    nameHost();
    new TreeMap<>(spec.sysctls())
        .forEach((name, value) -> program.sysctl(Sysctls.path(name, namespaces.keySet()), value));
    hidePaths();
    process.add(spec.process(), program);
    Bytes early = this.early.count() == 0 ? Bytes.EMPTY : this.early.build();
    return new Launch(program.build(), cloneFlags(), false, early);
  }

  private void checkNamespaces() {
    if (namespaces.containsKey(Namespace.Kind.USER)) {
      throw new GantryException(Kind.UNSUPPORTED, "user namespaces are not supported yet");
    }
    Namespace mount = namespaces.get(Namespace.Kind.MOUNT);
    if (mount == null || mount.path() != null) {
      throw new GantryException(Kind.INVALID, "a container needs a new mount namespace");
    }
  }

  private void enterCgroup() {
    TaskSpec.Cgroup cgroup = spec.cgroup();
    if (cgroup.version() == 2 && !cgroup.directory().isEmpty()) {
      program.devices(cgroup.directory(), DeviceFilter.compile(cgroup.deviceRules()));
    }
    program.cgroup(cgroup.joins());
    if (isNew(Namespace.Kind.CGROUP)) {
      program.unshare(CLONE_NEWCGROUP);
    }
  }

  private void joinNamespaces() {
    for (Namespace.Kind kind : JOINED) {
      path(kind).ifPresent(path -> program.setns(path, flag(kind)));
    }
  }

  private long cloneFlags() {
    long flags = 0;
    for (Namespace.Kind kind : namespaces.keySet()) {
      if (isNew(kind) && kind != Namespace.Kind.CGROUP) { // that one only after joining its cgroups
        flags |= flag(kind);
      }
    }
    return flags;
  }

  private static long flag(Namespace.Kind kind) {
    return FLAGS.getOrDefault(kind, 0L);
  }

  private boolean isNew(Namespace.Kind kind) {
    Namespace namespace = namespaces.get(kind);
    return namespace != null && namespace.path() == null;
  }

  private Optional<String> path(Namespace.Kind kind) {
    Namespace namespace = namespaces.get(kind);
    return Optional.ofNullable(namespace == null ? null : namespace.path());
  }

  /** The sources of all binds, in the order in which {@link #mount} will take them. */
  private void openSources() {
    for (int i = 1; i < spec.rootfs().size(); i++) {
      openSource(spec.rootfs().get(i));
    }
    spec.mounts().forEach(this::openSource);
  }

  private void openSource(Mount mount) {
    if (isBind(mount)) {
      if (!mount.source().startsWith("/")) {
        throw new GantryException(
            Kind.INVALID, "the source of a bind must be an absolute path: " + mount.source());
      }
      MountOptions options = MountOptions.parse(mount.options());
      boolean recursive = mount.type().equals("rbind") || options.recursive();
      open(mount.source(), recursive, recursive && !options.deep());
    } else if (isCgroupV1(mount)) {
      cgroupViews().forEach(view -> open(view.source(), false, false));
    }
  }

  private void open(String source, boolean recursive, boolean flat) {
    program.source(nextSlot, source, recursive, flat);
    slots.add(nextSlot++);
  }

  private int takeSlot() {
    return slots.remove();
  }

  private void mountRoot() {
    if (spec.rootfs().isEmpty() || !spec.rootfs().get(0).target().equals("/")) {
      throw new GantryException(Kind.INVALID, "the first mount of a container must be its root");
    }
    Mount root = spec.rootfs().get(0);
    switch (root.type()) {
      case "bind", "rbind" -> program.rootBind(root.source());
      case "overlay" -> // of host paths alone, and the dearest one
          Overlay.mount(root, Overlay.isDetached(root, kernel) ? early : program);
      default ->
          throw new GantryException(
              Kind.UNSUPPORTED, "a root of type " + root.type() + " is not supported");
    }
    program.root();
  }

  private void mount(Mount mount) {
    MountOptions options = MountOptions.parse(mount.options());
    if (!mount.target().startsWith("/")) {
      throw new GantryException(
          Kind.INVALID, "invalid mount target, must be an absolute path: " + mount.target());
    }
    if (isBind(mount)) {
      bind(mount, options);
    } else if (mount.type().equals("tmpfs") && mount.target().equals("/dev")) {
      new DevProgram(spec, kernel).add(options, program);
    } else if (isCgroupV1(mount)) {
      mountCgroups(options);
    } else {
      if (options.propagation() == MS_SHARED) {
        throw new GantryException(
            Kind.INVALID, "a new file system cannot be shared: " + mount.target());
      }
      String type = mount.type().equals("cgroup") ? "cgroup2" : mount.type();
      program.mount(type, mount.target(), options.set(), options.data());
    }
  }

  private static boolean isBind(Mount mount) {
    return mount.type().equals("bind") || mount.type().equals("rbind");
  }

  private boolean isCgroupV1(Mount mount) {
    return mount.type().equals("cgroup") && spec.cgroup().version() == 1;
  }

  private void bind(Mount mount, MountOptions options) {
    if (!options.data().isEmpty()) {
      throw new GantryException(
          Kind.INVALID, "invalid option for a bind: " + options.data().get(0));
    }
    bind(mount.target(), options);
  }

  private void bind(String target, MountOptions options) {
    program.bind(
        takeSlot(),
        target,
        options.set(),
        options.clear(),
        options.propagation(),
        OpProgram.Target.AS_SOURCE);
  }

  /** Asked for twice, and the table of mounts may be long. */
  private List<CgroupMounts.View> cgroupViews() {
    if (cgroupViews == null) {
      cgroupViews = CgroupMounts.views(spec.cgroup().joins(), kernel.mounts());
    }
    return cgroupViews;
  }

  /** A small tmpfs that holds the hierarchies; read-only with them, once they are in it. */
  private void mountCgroups(MountOptions options) {
    long attributes = options.set() & ~MOUNT_ATTR_RDONLY;
    program.mount("tmpfs", CGROUP_ROOT, attributes, List.of("mode=755"));
    for (CgroupMounts.View view : cgroupViews()) {
      bind(CGROUP_ROOT + '/' + view.name(), options);
    }
    if ((options.set() & MOUNT_ATTR_RDONLY) != 0) {
      madeReadonly.add(CGROUP_ROOT);
    }
  }

  private void fillRoot() {
    program.touch("/.dockerenv", 0755);
    String cwd = ProcessProgram.cwd(spec.process());
    if (!cwd.equals("/")) {
      program.mkdir(cwd, 0755);
    }
  }

  private void nameHost() {
    name(spec.hostname(), "host name", program::hostname);
    name(spec.domainname(), "domain name", program::domainname);
  }

  private void name(String name, String what, Consumer<String> set) {
    if (name.isEmpty()) {
      return;
    }
    if (!isNew(Namespace.Kind.UTS)) {
      throw new GantryException(
          Kind.INVALID, "the " + what + " cannot be set in a UTS namespace of others: " + name);
    }
    set.accept(name);
  }

  private void hidePaths() {
    madeReadonly.addAll(spec.readonlyPaths());
    program.readonly(madeReadonly).mask(spec.maskedPaths());
    Mount root = spec.rootfs().get(0);
    if (spec.readonlyRootfs() || root.readOnly()) {
      program.rootReadonly();
    }
    long propagation = rootPropagation();
    if (propagation != 0) {
      program.propagation(propagation);
    }
  }

  private long rootPropagation() {
    return switch (spec.rootfsPropagation()) {
      case "", "private", "rprivate" -> 0;
      case "slave", "rslave" -> MS_SLAVE;
      case "shared", "rshared" -> MS_SHARED;
      default ->
          throw new GantryException(
              Kind.INVALID, "invalid propagation of the root: " + spec.rootfsPropagation());
    };
  }
}
