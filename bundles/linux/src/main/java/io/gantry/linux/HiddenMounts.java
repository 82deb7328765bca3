package io.gantry.linux;

import static io.gantry.linux.Kernel.AT_EMPTY_PATH;
import static io.gantry.linux.Kernel.AT_FDCWD;
import static io.gantry.linux.Kernel.O_CREAT;
import static io.gantry.linux.Kernel.O_DIRECTORY;
import static io.gantry.linux.Kernel.O_NOFOLLOW;
import static io.gantry.linux.Kernel.O_PATH;
import static io.gantry.linux.Kernel.O_RDONLY;
import static io.gantry.linux.Kernel.O_RDWR;
import static io.gantry.linux.Kernel.RESOLVE_IN_ROOT;
import static io.gantry.linux.Kernel.RESOLVE_NO_MAGICLINKS;
import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.Undo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Mounts that are in no process's mount table and go away with two descriptors.
 *
 * <p>They are made by a thread that lives for that alone and has a mount namespace of its own:
 * before Linux 6.15 nothing can be mounted on a detached mount. The namespace is a copy of the
 * host's that only receives, and its root is the host's: the mounts lie on top of it, where nobody
 * looks. The thread leaves it at once; the descriptor of the namespace keeps the mounts together.
 */
final class HiddenMounts {

  private static final int SYS_MOUNT_SETATTR = 442;
  private static final long MOUNT_ATTR_RDONLY = 1;
  private static final int CLONE_FS = 0x200;
  private static final int CLONE_NEWNS = 0x20000;
  private static final long MS_REC_SLAVE = 16384 | 1L << 19;
  private static final int ELOOP = 40;
  private static final int MOST_LINKS = 40;

  /** What the kernel says of a target that is a file for a directory, or the other way round. */
  private static final Set<Errno> UNFIT =
      EnumSet.of(Errno.ENOENT, Errno.ENOTDIR, Errno.EISDIR, Errno.ELOOP, Errno.EINVAL);

  /** The topmost mount, and the descriptor of the namespace it is in. */
  record Held(Dir root, int namespace) {}

  private final Undo undo;

  private HiddenMounts(Undo undo) {
    this.undo = undo;
  }

  /**
   * @param root the mounts of a storage driver, the first one's target is {@code /}
   * @param further binds inside, in order; their targets are made where they are missing, and what
   *     the image has no place for is left out
   * @throws GantryException UNSUPPORTED for kinds of mounts it does not know, and on kernels that
   *     lack what it needs (Linux 5.12)
   */
  static Held make(List<Mount> root, List<Mount> further, boolean readOnly) {
    var made = new CompletableFuture<Held>();
    var thread =
        new Thread(
            () -> {
              try (Undo undo = new Undo()) {
                Held held = new HiddenMounts(undo).mount(root, further, readOnly);
                undo.keep();
                made.complete(held);
              } catch (Throwable e) { // whoever waits must hear of it
                made.completeExceptionally(e);
              }
            },
            "gantry-mounts");
    thread.setDaemon(true);
    thread.start();
    try {
      return made.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof GantryException failure ? explained(failure) : e;
    }
  }

  private static GantryException explained(GantryException e) {
    return SyscallError.errno(e) == Errno.ENOSYS
        ? new GantryException(
            Kind.UNSUPPORTED,
            "files of containers that do not run need Linux 5.12 or newer: " + e.getMessage(),
            e)
        : e;
  }

  private Held mount(List<Mount> root, List<Mount> further, boolean readOnly) {
    if (root.isEmpty() || !root.get(0).target().equals("/")) {
      throw new GantryException(Kind.INVALID, "the first mount must be the root");
    }
    List<DetachedMount> sources = new ArrayList<>();
    int host = namespace();
    try {
      // Before the namespace is left: what is held by a descriptor is of this one.
      further.forEach(mount -> sources.add(source(mount)));
      if (libc().unshare(CLONE_FS | CLONE_NEWNS) < 0) {
        throw failed("unshare", "mount namespace");
      }
      try (Undo back = new Undo()) {
        // A thread takes a while to end, and would keep the mounts for as long: of a failure, too.
        back.add(() -> libc().setns(host, CLONE_NEWNS));
        Held held = mountApart(root, further, sources, readOnly);
        back.keep();
        if (libc().setns(host, CLONE_NEWNS) < 0) {
          throw failed("setns", "mount namespace of the host");
        }
        return held;
      }
    } finally {
      sources.forEach(DetachedMount::close);
      libc().close(host);
    }
  }

  private Held mountApart(
      List<Mount> root, List<Mount> further, List<DetachedMount> sources, boolean readOnly) {
    if (libc().mount(bytes("none"), bytes("/"), null, MS_REC_SLAVE, null) < 0) {
      throw failed("mount", "slave on /");
    }
    int namespace = namespace();
    undo.add(() -> libc().close(namespace));
    Dir top = mountRoot(root.get(0));
    for (Mount mount : root.subList(1, root.size())) {
      try (DetachedMount source = source(mount)) {
        attach(top, mount.target(), source);
      }
    }
    for (int i = 0; i < sources.size(); i++) {
      attachIfItFits(top, further.get(i).target(), sources.get(i));
    }
    if (readOnly) {
      seal(top); // only now: targets had to be made in it
    }
    return new Held(top, namespace);
  }

  /** A descriptor of the one this thread is in. */
  private static int namespace() {
    String path = "/proc/thread-self/ns/mnt";
    int fd = Kernel.openat2(AT_FDCWD, bytes(path), O_RDONLY, 0, 0);
    if (fd < 0) {
      throw failed("open", path);
    }
    return fd;
  }

  private Dir mountRoot(Mount mount) {
    try (DetachedMount made = DetachedMount.make(mount)) {
      Dir top = made.root();
      undo.add(top::close);
      made.attach(Path.of("/"));
      return top;
    }
  }

  private static void seal(Dir top) {
    long[] attributes = {MOUNT_ATTR_RDONLY, 0, 0, 0};
    if (libc()
            .syscall(SYS_MOUNT_SETATTR, top.descriptor(), bytes(""), AT_EMPTY_PATH, attributes, 32)
        < 0) {
      throw failed("mount_setattr", "/");
    }
  }

  private static DetachedMount source(Mount mount) {
    if (!mount.type().endsWith("bind") && !mount.type().equals("overlay")) {
      throw new GantryException(
          Kind.UNSUPPORTED, "a mount of type " + mount.type() + " is not supported here");
    }
    return DetachedMount.make(mount);
  }

  private static void attach(Dir top, String name, DetachedMount source) {
    String path = Names.ofText(name);
    int target = target(top.descriptor(), path, source);
    try {
      source.attach(target, path);
    } finally {
      libc().close(target);
    }
  }

  /**
   * As {@link #attach}; where the image has something that this cannot lie on, it is left out: such
   * a container does not start, but its files are there.
   */
  private static void attachIfItFits(Dir top, String name, DetachedMount source) {
    try {
      attach(top, name, source);
    } catch (GantryException e) {
      if (!UNFIT.contains(SyscallError.errno(e))) {
        throw e;
      }
    }
  }

  /** Where to mount; made as the start of the container would make it. */
  private static int target(int top, String path, DetachedMount source) {
    int found = lookUp(top, path, O_PATH);
    if (found < 0 && Kernel.errno() == Errno.ENOENT) {
      make(top, path, source.stat().isDirectory(), 0);
      found = lookUp(top, path, O_PATH);
    }
    if (found < 0) {
      throw failed("openat2", path);
    }
    return found;
  }

  private static int lookUp(int top, String path, int flags) {
    return Kernel.openat2(top, bytes(path), flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  }

  /**
   * @param links that were followed on the way here
   */
  private static void make(int top, String path, boolean directory, int links) {
    List<String> names = new ArrayList<>(List.of(path.split("/")));
    names.removeIf(String::isEmpty);
    String parent = "/";
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      String done = parent + name;
      int there = lookUp(top, done, O_PATH);
      if (there >= 0) {
        libc().close(there);
      } else {
        makeOne(top, parent, name, directory || i < names.size() - 1, links);
      }
      parent = done + "/";
    }
  }

  /** Makes a file or directory, or that which the link leads to that is there. */
  private static void makeOne(int top, String parent, String name, boolean directory, int links) {
    int in = lookUp(top, parent, O_PATH | O_DIRECTORY);
    if (in < 0) {
      throw failed("openat2", parent);
    }
    String link;
    try (Dir dir = new Dir(in, parent)) {
      link = dir.find(name).filter(Stat::isSymlink).map(stat -> dir.readlink(name)).orElse(null);
      if (link == null) {
        makeOne(in, name, parent + name, directory);
      }
    }
    if (link != null) {
      if (links == MOST_LINKS) {
        throw SyscallError.failed("openat2", parent + name, ELOOP);
      }
      make(top, link.startsWith("/") ? link : parent + link, directory, links + 1);
    }
  }

  private static void makeOne(int in, String name, String path, boolean directory) {
    if (directory) {
      if (libc().mkdirat(in, Names.component(name), 0755) < 0 && Kernel.errno() != Errno.EEXIST) {
        throw failed("mkdirat", path);
      }
      return;
    }
    int flags = O_RDWR | O_CREAT | O_NOFOLLOW;
    int file = Kernel.openat2(in, Names.component(name), flags, 0644, RESOLVE_NO_MAGICLINKS);
    if (file < 0) {
      throw failed("openat2", path);
    }
    libc().close(file);
  }
}
