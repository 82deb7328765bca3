package io.gantry.linux;

import static io.gantry.linux.Kernel.AT_FDCWD;
import static io.gantry.linux.Kernel.O_DIRECTORY;
import static io.gantry.linux.Kernel.O_PATH;
import static io.gantry.linux.Kernel.O_RDONLY;
import static io.gantry.linux.Kernel.RESOLVE_IN_ROOT;
import static io.gantry.linux.Kernel.RESOLVE_NO_MAGICLINKS;
import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.Undo;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The files of a container, as a process in it would see them, held by a descriptor. Every look-up
 * is an openat2(2) that stays inside: links, {@code ..} and whatever is swapped meanwhile lead
 * nowhere else, and magic links of procfs are not followed.
 *
 * <p>Paths are bytes as {@link Names} says and count from the root, with or without a slash at the
 * start. What was opened must be closed before this is: the mounts go when the last descriptor
 * does. Look-ups may run in several threads at once.
 */
public final class Rootfs implements AutoCloseable {

  private static final int INSIDE = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  private static final int MAX_LINKS = 255;

  private final Dir root;
  private final int namespace;
  private final @Nullable Seen seen;
  private final AtomicBoolean open = new AtomicBoolean(true);

  private Rootfs(Dir root, int namespace) {
    this(root, namespace, null);
  }

  private Rootfs(Dir root, int namespace, @Nullable Seen seen) {
    this.root = root;
    this.namespace = namespace;
    this.seen = seen;
  }

  /**
   * The same, as the users of the container's user namespace see it; takes the place of this one.
   *
   * @param raw paths whose mounts have the container's own numbers already
   */
  public Rootfs seenBy(UserMaps maps, List<String> raw) {
    Set<Long> mounts = new HashSet<>();
    raw.forEach(path -> mountOf(path).ifPresent(mounts::add));
    return new Rootfs(root, namespace, new Seen(maps, mounts));
  }

  /**
   * What a running process has for its root, with all that is mounted there; when it ends, that
   * stays for as long as this is open.
   *
   * @param started in clock ticks, as proc_pid_stat(5) has it: a process of another time that has
   *     the same number is not taken for it
   * @throws GantryException NOT_FOUND when it has ended
   */
  public static Rootfs ofProcess(long pid, long started) {
    String proc = "/proc/" + pid;
    // What is opened below this descriptor is of this very process, or not there any more.
    int process = Kernel.openat2(AT_FDCWD, bytes(proc), O_PATH | O_DIRECTORY, 0, 0);
    if (process < 0) {
      throw ended(pid);
    }
    try (Dir dir = new Dir(process, proc)) {
      if (ProcStat.started(dir).filter(ticks -> ticks == started).isEmpty()) {
        throw ended(pid);
      }
      // First: from here on what is mounted in there stays so, even when the process ends.
      int namespace = open(dir, "ns/mnt", O_RDONLY, pid);
      try (Undo undo = new Undo()) {
        undo.add(() -> libc().close(namespace));
        int root = open(dir, "root", O_PATH | O_DIRECTORY, pid);
        undo.keep();
        return new Rootfs(new Dir(root, "/"), namespace);
      }
    }
  }

  private static int open(Dir process, String name, int flags, long pid) {
    int fd = Kernel.openat2(process.descriptor(), bytes(name), flags, 0, 0);
    if (fd >= 0) {
      return fd;
    }
    throw switch (Kernel.errno()) {
      case ENOENT, ESRCH -> ended(pid);
      default -> failed("open", "/proc/" + pid + "/" + name);
    };
  }

  private static GantryException ended(long pid) {
    return new GantryException(Kind.NOT_FOUND, "process " + pid + " has ended");
  }

  /**
   * Mounts that nobody else sees, until {@link #close}. One snapshot must never be mounted writable
   * twice: the caller sees to it.
   *
   * @param root as a storage driver says; binds and overlays
   * @param further binds and overlays inside it, in order; where their targets are missing they are
   *     made, as the start of a container makes them; what the tree has no place for is left out
   * @param readOnly nothing can be written to the root, whatever its mount says
   * @throws GantryException UNSUPPORTED when this kernel cannot
   */
  public static Rootfs ofMounts(List<Mount> root, List<Mount> further, boolean readOnly) {
    HiddenMounts.Held held = HiddenMounts.make(root, further, readOnly);
    return new Rootfs(held.root(), held.namespace());
  }

  /** The root itself. */
  public Dir top() {
    return dir("/");
  }

  /**
   * The directory that a path leads to; a link at its end is followed, too.
   *
   * @throws GantryException NOT_FOUND; with ENOTDIR or ELOOP as {@link SyscallError} for what leads
   *     nowhere
   */
  public Dir dir(String path) {
    int fd = Kernel.openat2(root(), bytes(given(path)), O_RDONLY | O_DIRECTORY, 0, INSIDE);
    if (fd < 0) {
      throw failed("openat2", path);
    }
    return new Dir(fd, path, seen);
  }

  /** Id of the mount that the path leads to, as in {@link Stat#mount}; empty when nothing is. */
  public Optional<Long> mountOf(String path) {
    int fd = Kernel.openat2(root(), bytes(given(path)), O_PATH, 0, INSIDE);
    if (fd < 0) {
      return Optional.empty();
    }
    try {
      return Optional.of(Kernel.stat(fd, bytes(""), Kernel.AT_EMPTY_PATH, path).mount());
    } finally {
      libc().close(fd);
    }
  }

  /**
   * The path without links that another one leads to; what is missing is taken as it stands. Only
   * to be shown: by the time somebody goes there it may lead elsewhere.
   */
  public String resolve(String path) {
    Deque<String> todo = new ArrayDeque<>();
    push(path, todo);
    String done = "";
    for (int links = 0; !todo.isEmpty(); ) {
      String name = todo.pop();
      if (name.equals("..")) {
        done = done.substring(0, Math.max(0, done.lastIndexOf('/')));
        continue;
      }
      Optional<String> target = link(done, name);
      if (target.isEmpty()) {
        done = done + "/" + name;
        continue;
      }
      if (++links > MAX_LINKS) {
        throw new GantryException(Kind.INVALID, "too many links in " + Names.printable(path));
      }
      if (target.get().startsWith("/")) {
        done = "";
      }
      push(target.get(), todo);
    }
    return done.isEmpty() ? "/" : done;
  }

  private static void push(String path, Deque<String> todo) {
    String[] names = path.split("/", -1);
    for (int i = names.length - 1; i >= 0; i--) {
      if (!names[i].isEmpty() && !names[i].equals(".")) {
        todo.push(names[i]);
      }
    }
  }

  private Optional<String> link(String parent, String name) {
    try (Dir dir = dir(given(parent))) {
      return dir.find(name).filter(Stat::isSymlink).map(stat -> dir.readlink(name));
    } catch (GantryException e) {
      return switch (SyscallError.errno(e)) {
        case ENOENT, ENOTDIR, EINVAL, ELOOP -> Optional.empty(); // or it has changed meanwhile
        default -> throw e;
      };
    }
  }

  private static String given(String path) {
    return path.isEmpty() ? "/" : path;
  }

  private int root() {
    return root.descriptor();
  }

  /** Ends its mounts; may be repeated. */
  @Override
  public void close() {
    if (open.compareAndSet(true, false)) {
      root.close();
      libc().close(namespace);
    }
  }
}
