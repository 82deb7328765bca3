package io.gantry.linux;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The control group hierarchies of this host, and where Gantry's groups are in them: {@code
 * <parent>/<id>} below the mount point of each. Plain file access; binds no library.
 */
public final class CgroupTree {

  /** For a process that has said that it ends. */
  private static final Duration MOMENT = Duration.ofMillis(100);

  /** How a host mounts its hierarchies. */
  public enum Layout {
    /** One per controller, and one without any for systemd. */
    V1,
    /** One for all. */
    V2,
    /** As {@link #V1}, and a version 2 one with the controllers left over. */
    HYBRID
  }

  private static final Set<String> CONTROLLERS_V1 =
      Set.of(
          "blkio",
          "cpu",
          "cpuacct",
          "cpuset",
          "devices",
          "freezer",
          "hugetlb",
          "memory",
          "misc",
          "net_cls",
          "net_prio",
          "perf_event",
          "pids",
          "rdma");

  private static final String FAVOR = "favordynmods";
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-][a-zA-Z0-9_.:@-]*");

  private final Map<String, Path> controllers;
  private final Map<String, Path> named;
  private final @Nullable Path unified;

  private CgroupTree(
      Map<String, Path> controllers, Map<String, Path> named, @Nullable Path unified) {
    this.controllers = controllers;
    this.named = named;
    this.unified = unified;
  }

  /**
   * What is mounted now.
   *
   * @throws GantryException UNSUPPORTED when nothing is
   */
  public static CgroupTree detect() {
    return of(MountInfo.ofSelf());
  }

  /**
   * Whether this kernel lets processes join groups without a pause: it otherwise waits 10 ms and
   * more for all processors whenever nobody has joined one just before.
   */
  public static boolean favorsChanges() {
    return MountInfo.ofSelf().stream()
        .anyMatch(mount -> mount.superOptions().contains(FAVOR) || mount.options().contains(FAVOR));
  }

  /**
   * Switches that on, for the whole host and all hierarchies; does nothing when it is on. Newer
   * kernels do not go back before they are booted.
   *
   * @throws GantryException UNSUPPORTED where the kernel cannot (it can from 6.0 on), or has no
   *     version 2 hierarchy to tell it through
   */
  public static void favorChanges() {
    if (favorsChanges()) {
      return;
    }
    MountInfo unified =
        MountInfo.ofSelf().stream()
            .filter(mount -> mount.type().equals("cgroup2"))
            .findFirst()
            .orElseThrow(
                () ->
                    new GantryException(
                        Kind.UNSUPPORTED, FAVOR + " needs a cgroup version 2 hierarchy"));
    try {
      Mounts.remount(unified, FAVOR);
    } catch (GantryException e) {
      throw new GantryException(
          Kind.UNSUPPORTED, "this kernel has no " + FAVOR + ": " + e.getMessage(), e);
    }
  }

  static CgroupTree of(List<MountInfo> mounts) {
    Map<String, Path> controllers = new LinkedHashMap<>();
    Map<String, Path> named = new LinkedHashMap<>();
    Path unified = null;
    for (MountInfo mount : mounts) {
      Path target = Path.of(Names.toText(mount.target()));
      if (mount.type().equals("cgroup2") && unified == null) {
        unified = target;
      } else if (mount.type().equals("cgroup")) {
        for (String option : mount.superOptions()) {
          if (option.startsWith("name=")) {
            named.putIfAbsent(option, target);
          } else if (CONTROLLERS_V1.contains(option)) {
            controllers.putIfAbsent(option, target);
          }
        }
      }
    }
    if (controllers.isEmpty() && unified == null) {
      throw new GantryException(Kind.UNSUPPORTED, "no control groups are mounted on this host");
    }
    return new CgroupTree(controllers, named, unified);
  }

  public Layout layout() {
    if (controllers.isEmpty()) {
      return Layout.V2;
    }
    return unified == null ? Layout.V1 : Layout.HYBRID;
  }

  /** 2 only when all is unified. */
  public int version() {
    return layout() == Layout.V2 ? 2 : 1;
  }

  /** Controllers that groups can have here, by their own names ({@code io} or {@code blkio}). */
  public Set<String> controllers() {
    Set<String> all = new TreeSet<>(controllers.keySet());
    if (unified != null) {
      all.addAll(words(unified.resolve("cgroup.controllers")));
    }
    return all;
  }

  /** Mount points by controller; those of named hierarchies and the unified one are not in it. */
  Map<String, Path> controllerRoots() {
    return controllers;
  }

  Optional<Path> unifiedRoot() {
    return Optional.ofNullable(unified);
  }

  Optional<Path> systemdRoot() {
    return Optional.ofNullable(named.get("name=systemd"));
  }

  /** Every hierarchy once: co-mounted controllers share one. */
  private List<Path> roots() {
    Set<Path> roots = new TreeSet<>(controllers.values());
    roots.addAll(named.values());
    if (unified != null) {
      roots.add(unified);
    }
    return List.copyOf(roots);
  }

  /**
   * The group {@code <parent>/<id>}, whether it is there or not.
   *
   * @param parent a name, or several with slashes between; empty: the root
   * @throws GantryException INVALID for names that are none
   */
  public Cgroup group(String parent, String id) {
    String name = parent.isEmpty() ? checked(id) : checkedPath(parent) + "/" + checked(id);
    List<Path> directories = new ArrayList<>();
    for (Path root : roots()) {
      directories.add(root.resolve(name));
    }
    return new Cgroup(this, name, directories);
  }

  /**
   * Makes {@code <parent>/<id>} in every hierarchy, the parents too; what is there already stays. A
   * failure leaves no half-made group.
   */
  public Cgroup create(String parent, String id) {
    Cgroup group = group(parent, id);
    try {
      if (version() == 2 && unified != null) {
        delegateDown(unified, parent);
      }
      for (Path directory : group.directories()) {
        makeBelow(directory);
      }
    } catch (GantryException e) {
      try {
        group.remove();
      } catch (GantryException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
    return group;
  }

  /**
   * Whether groups below {@code parent} can be limited this way. Makes the parent, which only then
   * has the files.
   */
  public boolean offers(String parent, CgroupControl control) {
    Cgroup group = makeParent(parent);
    return group
        .directoryOf(control.controller)
        .map(
            directory ->
                control.files(version()).stream()
                    .anyMatch(file -> Files.exists(directory.resolve(file))))
        .orElse(false);
  }

  private Cgroup makeParent(String parent) {
    var directories = new ArrayList<Path>();
    for (Path root : roots()) {
      directories.add(root.resolve(checked(parent)));
    }
    if (version() == 2 && unified != null) {
      delegate(unified);
    }
    directories.forEach(this::make);
    return new Cgroup(this, parent, directories);
  }

  /**
   * Moves a process from groups that others have put it into to {@code <parent>/<id>}; in
   * hierarchies where it is in none it stays.
   */
  public void takeOver(long pid, String parent, String id) {
    for (String line : Cgroup.read(Path.of("/proc/" + pid + "/cgroup")).lines().toList()) {
      String[] fields = line.split(":", 3); // number:controllers:/path
      Path root = fields[1].isEmpty() ? unified : rootOf(fields[1].split(","));
      if (root == null || fields[2].equals("/")) {
        continue;
      }
      Path group = root.resolve(checked(parent)).resolve(checked(id));
      if (!Path.of(fields[2]).endsWith(Path.of(parent, id))) {
        makeBelow(group);
        Cgroup.write(group.resolve("cgroup.procs"), Long.toString(pid));
      }
    }
  }

  private @Nullable Path rootOf(String[] names) {
    for (String name : names) {
      Path root = controllers.getOrDefault(name, named.get(name));
      if (root != null) {
        return root;
      }
    }
    return null;
  }

  /** Removes {@code <parent>/<id>} unless somebody stays in it. */
  public void removeEmpty(String parent, String id) {
    removeEmpty(parent, id, MOMENT);
  }

  /**
   * The same where all are on their way out.
   *
   * @param patience with them
   */
  public void removeEmpty(String parent, String id, Duration patience) {
    group(parent, id).removeWithin(patience);
  }

  /** Ids of the groups of {@code parent} in any hierarchy. */
  public Set<String> list(String parent) {
    Set<String> ids = new TreeSet<>();
    for (Path root : roots()) {
      for (Path child : children(root.resolve(checked(parent)))) {
        ids.add(child.getFileName().toString());
      }
    }
    return ids;
  }

  /** Removes {@code parent} itself where no group is left in it. */
  public void removeParent(String parent) {
    for (Path root : roots()) {
      try {
        Files.deleteIfExists(root.resolve(checked(parent)));
      } catch (IOException e) {
        // Somebody's group is still in it; the next one who tries removes it.
      }
    }
  }

  /** Each group on the way hands its controllers down to the next. */
  private void delegateDown(Path root, String parent) {
    delegate(root);
    Path directory = root;
    for (Path name : parent.isEmpty() ? List.<Path>of() : Path.of(parent)) {
      directory = directory.resolve(name);
      make(directory);
      delegate(directory);
    }
  }

  /** The parent is there but for the first time, and again after somebody has removed it. */
  private void makeBelow(Path directory) {
    try {
      make(directory);
    } catch (GantryException e) {
      if (e.kind() != Kind.NOT_FOUND) {
        throw e;
      }
      makeBelow(Objects.requireNonNull(directory.getParent()));
      make(directory);
    }
  }

  private void make(Path directory) {
    try {
      Files.createDirectory(directory);
    } catch (FileAlreadyExistsException e) {
      // Made before, by us or by another call for the same parent.
    } catch (IOException e) {
      throw Cgroup.failed("make", directory, e);
    }
    Path cpuset = controllers.get("cpuset");
    if (cpuset != null && directory.startsWith(cpuset)) {
      fill(directory, cpuset);
    }
  }

  /**
   * On version 1 a new cpuset is empty and takes no process, unless its parent hands down its own:
   * then the kernel has filled both files.
   */
  private static void fill(Path directory, Path root) {
    if (!directory.equals(root) && Cgroup.read(directory.resolve("cpuset.mems")).isEmpty()) {
      // Whoever makes it at this moment may not have done so.
      fill(Objects.requireNonNull(directory.getParent()), root);
      inherit(directory, "cpuset.cpus");
      inherit(directory, "cpuset.mems");
      Cgroup.write(directory.resolve("cgroup.clone_children"), "1");
    }
  }

  private static void inherit(Path directory, String name) {
    Path file = directory.resolve(name);
    if (Cgroup.read(file).isEmpty()) {
      Cgroup.write(file, Cgroup.read(directory.resolveSibling(name)));
    }
  }

  /** Hands the controllers of a version 2 group to its children, as far as it has them. */
  private static void delegate(Path directory) {
    Path control = directory.resolve("cgroup.subtree_control");
    Set<String> missing = words(directory.resolve("cgroup.controllers"));
    missing.removeAll(words(control));
    for (String controller : missing) {
      try {
        Cgroup.write(control, "+" + controller);
      } catch (GantryException e) {
        // One controller may refuse (cpu while real-time processes run); who needs it is told then.
      }
    }
  }

  private static Set<String> words(Path file) {
    Set<String> words = new TreeSet<>(List.of(Cgroup.read(file).split("\\s+")));
    words.remove("");
    return words;
  }

  static List<Path> children(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (var entries = Files.newDirectoryStream(directory, Files::isDirectory)) {
      List<Path> children = new ArrayList<>();
      entries.forEach(children::add);
      return children;
    } catch (IOException e) {
      throw Cgroup.failed("list", directory, e);
    }
  }

  private static String checkedPath(String path) {
    for (String name : path.split("/", -1)) {
      checked(name);
    }
    return path;
  }

  private static String checked(String name) {
    if (!NAME.matcher(name).matches() || name.length() > 255) {
      throw new GantryException(Kind.INVALID, "not a control group name: " + Names.printable(name));
    }
    return name;
  }
}
