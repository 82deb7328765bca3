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

import io.gantry.linux.IdMap;
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

  /** Where what the host's root does goes: with a user namespace, what comes before that. */
  private final OpProgram host;

  private final boolean mapped;
  private final Map<Namespace.Kind, Namespace> namespaces = new EnumMap<>(Namespace.Kind.class);
  private final Queue<Integer> slots = new ArrayDeque<>();
  private final List<String> madeReadonly = new ArrayList<>();
  private final Queue<Integer> made = new ArrayDeque<>();
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
    this.mapped = namespaces.containsKey(Namespace.Kind.USER);
    this.host = mapped ? early : program;
  }

  Launch plan() {
    checkNamespaces();
    if (mapped) {
      makeUsers();
    }
    enterCgroup();
    if (!mapped) {
      joinNamespaces();
    }
    openSources();
    if (mapped) {
      enterUsers();
    }
    program.propagation(MS_REC | MS_PRIVATE);
    if (!mapped) {
      mountRoot();
    }
    program.root();
    for (int i = 1; i < spec.rootfs().size(); i++) {
      mount(spec.rootfs().get(i));
    }
    spec.mounts().forEach(this::mount);
    fillRoot();
    nameHost();
    new TreeMap<>(spec.sysctls())
        .forEach((name, value) -> program.sysctl(Sysctls.path(name, namespaces.keySet()), value));
    hidePaths();
    process.add(spec.process(), program, mapped);
    Bytes early = this.early.count() == 0 ? Bytes.EMPTY : this.early.build();
    return new Launch(program.build(), mapped ? 0 : cloneFlags(), false, early);
  }

  /** From here on, what is opened is mapped where that is asked for. */
  private void makeUsers() {
    early.owner(rootUser(), rootGroup());
    path(Namespace.Kind.USER)
        .ifPresentOrElse(
            early::usernsOf, () -> early.userns(spec.idMaps().users(), spec.idMaps().groups()));
  }

  private long rootUser() {
    return mapped ? IdMap.parse(spec.idMaps().users()).root() : 0;
  }

  private long rootGroup() {
    return mapped ? IdMap.parse(spec.idMaps().groups()).root() : 0;
  }

  /**
   * All that is left for the host's root, then the namespaces, and what can be made only while the
   * host's are in sight: procfs and sysfs.
   */
  private void enterUsers() {
    mountRoot();
    for (Mount mount : spec.mounts()) {
      if (isDev(mount)) {
        dev().make(MountOptions.parse(mount.options()), early);
      }
    }
    early.append(process.limits(spec.process()).build());
    joinNamespaces();
    early.enter(cloneFlags() | (isNew(Namespace.Kind.CGROUP) ? CLONE_NEWCGROUP : 0));
    for (Mount mount : spec.mounts()) {
      if (isKernels(mount)) {
        MountOptions options = MountOptions.parse(mount.options());
        program.newFileSystem(nextSlot, mount.type(), options.set(), options.data());
        made.add(nextSlot++);
      }
    }
  }

  private DevProgram dev() {
    return new DevProgram(spec, kernel, rootUser(), rootGroup());
  }

  private static boolean isDev(Mount mount) {
    return mount.type().equals("tmpfs") && mount.target().equals("/dev");
  }

  private boolean isKernels(Mount mount) {
    return mapped && (mount.type().equals("proc") || mount.type().equals("sysfs"));
  }

  private void checkNamespaces() {
    if (mapped == spec.idMaps().isEmpty()) {
      throw new GantryException(Kind.INVALID, "a user namespace and its maps go together");
    }
    Namespace mount = namespaces.get(Namespace.Kind.MOUNT);
    if (mount == null || mount.path() != null) {
      throw new GantryException(Kind.INVALID, "a container needs a new mount namespace");
    }
  }

  private void enterCgroup() {
    TaskSpec.Cgroup cgroup = spec.cgroup();
    if (cgroup.version() == 2 && !cgroup.directory().isEmpty()) {
      host.devices(cgroup.directory(), DeviceFilter.compile(cgroup.deviceRules()));
    }
    host.cgroup(cgroup.joins());
    if (isNew(Namespace.Kind.CGROUP) && !mapped) {
      program.unshare(CLONE_NEWCGROUP);
    }
  }

  private void joinNamespaces() {
    for (Namespace.Kind kind : JOINED) {
      path(kind).ifPresent(path -> host.setns(path, flag(kind)));
    }
  }

  private long cloneFlags() {
    long flags = 0;
    for (Namespace.Kind kind : namespaces.keySet()) {
      // That one only after joining its cgroups; and users are never made by flag.
      if (isNew(kind) && kind != Namespace.Kind.CGROUP && kind != Namespace.Kind.USER) {
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
      if (mapped && options.mapped()) {
        early.mappedSource(nextSlot, mount.source());
        slots.add(nextSlot++);
        return;
      }
      open(mount.source(), recursive, recursive && !options.deep());
    } else if (isCgroupV1(mount)) {
      cgroupViews().forEach(view -> open(view.source(), false, false));
    }
  }

  private void open(String source, boolean recursive, boolean flat) {
    host.source(nextSlot, source, recursive, flat);
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
      case "bind", "rbind" -> host.rootBind(root.source());
      case "overlay" -> { // of host paths alone, and the dearest one
        if (mapped && !kernel.isSince(6, 13)) {
          throw new GantryException(
              Kind.UNSUPPORTED,
              "user namespaces with the storage driver overlay need Linux 6.13 or newer, this is "
                  + kernel.release()
                  + ": use the storage driver vfs");
        }
        Overlay.mount(root, mapped || Overlay.isDetached(root, kernel) ? early : program);
      }
      default ->
          throw new GantryException(
              Kind.UNSUPPORTED, "a root of type " + root.type() + " is not supported");
    }
  }

  private void mount(Mount mount) {
    MountOptions options = MountOptions.parse(mount.options());
    if (!mount.target().startsWith("/")) {
      throw new GantryException(
          Kind.INVALID, "invalid mount target, must be an absolute path: " + mount.target());
    }
    if (isBind(mount)) {
      bind(mount, options);
    } else if (isDev(mount)) {
      if (mapped) {
        dev().attach(program);
      } else {
        dev().add(options, program);
      }
    } else if (isKernels(mount)) {
      program.bind(made.remove(), mount.target(), 0, 0, 0, OpProgram.Target.DIRECTORY);
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
      cgroupViews = CgroupMounts.views(spec.cgroup().joins(), kernel.cgroupMounts());
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
