package io.gantry.linux;

import static io.gantry.linux.Kernel.AT_EMPTY_PATH;
import static io.gantry.linux.Kernel.AT_FDCWD;
import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;

import io.gantry.spi.Mount;
import io.gantry.spi.Undo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A mount that is attached nowhere: nobody meets it, and it is gone when this and every descriptor
 * below it are closed. Made of what drivers say ({@link Mount}).
 *
 * <p>Not thread-safe.
 */
public final class DetachedMount implements AutoCloseable {

  private static final int SYS_OPEN_TREE = 428;
  private static final int SYS_MOVE_MOUNT = 429;
  private static final int SYS_MOUNT_SETATTR = 442;
  private static final int OPEN_TREE_CLONE = 1;
  private static final int OPEN_TREE_CLOEXEC = 02000000;
  private static final int AT_RECURSIVE = 0x8000;
  private static final int MOVE_FROM_EMPTY_PATH = 4;
  private static final int MOVE_TO_EMPTY_PATH = 0x40;
  private static final int MOUNT_ATTR_SIZE = 32;
  private static final long MOUNT_ATTR_ATIME = 0x70;
  private static final long MS_SLAVE = 1L << 19;

  /** Of an rbind: read-only with all that is mounted below. */
  private static final String DEEP = "rro";

  private static final Map<String, Long> ATTRIBUTES =
      Map.ofEntries(
          Map.entry("ro", 0x01L),
          Map.entry(DEEP, 0x01L),
          Map.entry("nosuid", 0x02L),
          Map.entry("nodev", 0x04L),
          Map.entry("noexec", 0x08L),
          Map.entry("noatime", 0x10L),
          Map.entry("strictatime", 0x20L),
          Map.entry("nodiratime", 0x80L),
          Map.entry("relatime", 0L),
          Map.entry("rw", 0L));

  private final int fd;
  private final String label;
  private boolean closed;

  private DetachedMount(int fd, String label) {
    this.fd = fd;
    this.label = label;
  }

  /**
   * Makes what {@code mount} says; its target is not looked at. What is mounted or unmounted on it
   * reaches nobody else, whatever it says of propagation; a bind still receives.
   */
  public static DetachedMount make(Mount mount) {
    long attributes = 0;
    List<String> data = new ArrayList<>();
    for (String option : mount.options()) {
      Long attribute = ATTRIBUTES.get(option);
      if (attribute != null) {
        attributes |= attribute;
      } else if (!Mounts.isPropagation(option)) {
        data.add(option);
      }
    }
    String label = mount.type() + " " + mount.source();
    int fd =
        switch (mount.type()) {
          case "bind" -> bind(mount.source(), 0, 0, attributes);
          case "rbind" -> {
            int deep = mount.options().contains(DEEP) ? AT_RECURSIVE : 0;
            yield bind(mount.source(), AT_RECURSIVE, deep, attributes);
          }
          case "overlay" -> OverlayMounting.mount(data, attributes);
          default -> fileSystem(mount, data, attributes);
        };
    return new DetachedMount(fd, label);
  }

  private static int bind(String source, int recursive, int deep, long attributes) {
    int fd = openTree(Names.ofText(source), recursive);
    try (Undo undo = new Undo()) {
      undo.add(() -> libc().close(fd));
      // A clone is a peer of its source, whose own mounts would go with it when it is unmounted.
      long[] slave = {0, 0, MS_SLAVE, 0};
      if (!change(fd, AT_RECURSIVE, slave) && Kernel.errno() != Errno.ENOSYS) {
        throw failed("mount_setattr", source);
      }
      long clear = (attributes & MOUNT_ATTR_ATIME) == 0 ? 0 : MOUNT_ATTR_ATIME;
      if (attributes != 0 && !change(fd, deep, new long[] {attributes, clear, 0, 0})) {
        throw failed("mount_setattr", source);
      }
      undo.keep();
      return fd;
    }
  }

  private static boolean change(int fd, int flags, long[] attributes) {
    int all = AT_EMPTY_PATH | flags;
    return libc().syscall(SYS_MOUNT_SETATTR, fd, bytes(""), all, attributes, MOUNT_ATTR_SIZE) == 0;
  }

  private static int fileSystem(Mount mount, List<String> data, long attributes) {
    try (FileSystemContext context = FileSystemContext.open(mount.type())) {
      context.set("source", Names.ofText(mount.source()));
      data.forEach(option -> context.set(Names.ofText(option)));
      return context.mount(attributes);
    }
  }

  /** A clone of what is mounted at {@code path}, from there on. */
  static int openTree(String path, int recursive) {
    int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive;
    int fd = (int) libc().syscall(SYS_OPEN_TREE, AT_FDCWD, bytes(path), flags, 0);
    if (fd < 0) {
      throw failed("open_tree", path);
    }
    return fd;
  }

  /** Opens the root of the mount. */
  public Dir root() {
    return Dir.ofMount(fd(), label);
  }

  /** What is mounted: a directory or, for a bind, another file. */
  Stat stat() {
    return Kernel.stat(fd(), bytes(""), AT_EMPTY_PATH, label);
  }

  /** Attaches it on a trusted path, where it stays when this is closed. */
  public void attach(Path target) {
    byte[] to = bytes(Names.ofText(target.toString()));
    attach(AT_FDCWD, to, MOVE_FROM_EMPTY_PATH, target.toString());
  }

  /** As {@link #attach(Path)}, on a directory that is open. */
  public void attach(Dir target) {
    attach(target.descriptor(), target.toString());
  }

  /** As {@link #attach(Path)}, on a file or directory that is open. */
  void attach(int target, String name) {
    attach(target, bytes(""), MOVE_FROM_EMPTY_PATH | MOVE_TO_EMPTY_PATH, name);
  }

  private void attach(int dirfd, byte[] path, int flags, String target) {
    if (libc().syscall(SYS_MOVE_MOUNT, fd(), bytes(""), dirfd, path, flags) < 0) {
      throw failed("move_mount", label + " to " + target);
    }
  }

  private int fd() {
    if (closed) {
      throw new IllegalStateException("closed: " + label);
    }
    return fd;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      libc().close(fd);
    }
  }
}
