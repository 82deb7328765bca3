package io.gantry.linux;

import static io.gantry.linux.Kernel.AT_EMPTY_PATH;
import static io.gantry.linux.Kernel.AT_FDCWD;
import static io.gantry.linux.Kernel.AT_REMOVEDIR;
import static io.gantry.linux.Kernel.AT_SYMLINK_NOFOLLOW;
import static io.gantry.linux.Kernel.O_CREAT;
import static io.gantry.linux.Kernel.O_DIRECTORY;
import static io.gantry.linux.Kernel.O_EXCL;
import static io.gantry.linux.Kernel.O_NOFOLLOW;
import static io.gantry.linux.Kernel.O_PATH;
import static io.gantry.linux.Kernel.O_RDONLY;
import static io.gantry.linux.Kernel.O_RDWR;
import static io.gantry.linux.Kernel.RESOLVE_BENEATH;
import static io.gantry.linux.Kernel.RESOLVE_NO_MAGICLINKS;
import static io.gantry.linux.Kernel.RESOLVE_NO_SYMLINKS;
import static io.gantry.linux.Kernel.RESOLVE_NO_XDEV;
import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;
import static io.gantry.linux.Names.component;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A directory held by its descriptor, so that what happens to path names meanwhile leads nowhere
 * else. It stays valid when it is renamed; nothing below it can lead out of it.
 *
 * <p>Names are bytes as {@link Names} says. A {@code name} is one component; only {@link #dir},
 * {@link #open} and {@link #openForWriting} take a {@code path} of several, resolved by openat2(2)
 * beneath this directory without following any symbolic link. Modes are set as given, whatever the
 * umask. Failures are {@link GantryException}s with a {@link SyscallError} as cause: NOT_FOUND for
 * ENOENT, CONFLICT for EEXIST, EXHAUSTED when something is used up, INVALID for a name that is
 * none, otherwise INTERNAL.
 *
 * <p>Not thread-safe.
 */
public final class Dir implements AutoCloseable {

  private static final int BENEATH = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  private static final int RENAME_NOREPLACE = 1;
  private static final int ENTRIES_SIZE = 32 * 1024;
  private static final int LONGEST_LINK = 4096;
  private static final long FS_IOC_GETFLAGS = 0x80086601L;
  private static final long FS_IOC_SETFLAGS = 0x40086602L;
  private static final int FS_TOPDIR_FL = 0x20000;
  private static final int STATFS_SIZE = 120;
  private static final int ST_RDONLY = 1;

  private final int fd;
  private final String path;
  private final @Nullable Seen seen;
  private long mount = -1; // of the directory, once it is needed
  private boolean closed;

  /** Takes over a descriptor. */
  Dir(int fd, String path) {
    this(fd, path, null);
  }

  /**
   * @param seen by whose eyes numbers of users are given and taken; null: the host's
   */
  Dir(int fd, String path, @Nullable Seen seen) {
    this.fd = fd;
    this.path = path;
    this.seen = seen;
  }

  /** The trusted way in: follows symbolic links on the way, but {@code path} itself is none. */
  public static Dir open(Path path) {
    String name = Names.ofText(path.toString());
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    int fd = Kernel.openat2(AT_FDCWD, bytes(name), flags, 0, 0);
    if (fd < 0) {
      throw failed("open", name);
    }
    return new Dir(fd, name);
  }

  /** The root of a mount that is attached nowhere. */
  static Dir ofMount(int mount, String label) {
    int fd = Kernel.openat2(mount, bytes("."), O_RDONLY | O_DIRECTORY, 0, 0);
    if (fd < 0) {
      throw failed("openat2", label);
    }
    return new Dir(fd, label);
  }

  /** Opens a directory below this one. */
  public Dir dir(String path) {
    return dir(path, 0);
  }

  /** Opens a directory below this one, without crossing a mount point. */
  public Dir dirOnSameMount(String path) {
    return dir(path, RESOLVE_NO_XDEV);
  }

  private Dir dir(String path, int resolve) {
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    int opened = Kernel.openat2(fd(), bytes(path), flags, 0, BENEATH | resolve);
    if (opened < 0) {
      throw failed("openat2", at(path));
    }
    return new Dir(opened, at(path), seen);
  }

  /**
   * The directory above, if it is the one that was seen there on the way down; empty when this one
   * has been moved meanwhile, to wherever.
   */
  Optional<Dir> parentIf(Stat seen) {
    int opened = Kernel.openat2(fd(), bytes(".."), O_RDONLY | O_DIRECTORY, 0, 0);
    if (opened < 0) {
      throw failed("openat2", at(".."));
    }
    Dir parent = new Dir(opened, path.substring(0, Math.max(0, path.lastIndexOf('/'))), this.seen);
    boolean same = false;
    try {
      Stat found = parent.stat();
      same = found.sameFile(seen) && found.mount() == seen.mount();
      return same ? Optional.of(parent) : Optional.empty();
    } finally {
      if (!same) {
        parent.close();
      }
    }
  }

  /** The same directory, in which the users of a user namespace have their own numbers. */
  public Dir seenBy(UserMaps maps) {
    int opened = Kernel.openat2(fd(), bytes("."), O_RDONLY | O_DIRECTORY, 0, 0);
    if (opened < 0) {
      throw failed("openat2", path);
    }
    return new Dir(opened, path, new Seen(maps, Set.of()));
  }

  private Stat shown(Stat stat) {
    return seen == null ? stat : seen.of(stat);
  }

  /** What is made belongs to the root of those who see it. */
  private <T> T asOwner(Supplier<T> work) {
    return seen == null ? work.get() : seen.asRoot(mount(), work);
  }

  private long mount() {
    if (mount < 0) {
      mount = Kernel.stat(fd(), bytes(""), AT_EMPTY_PATH, path).mount();
    }
    return mount;
  }

  /** Whether it was mounted read-only, or lies on a file system that is. */
  public boolean isReadOnly() {
    byte[] statfs = new byte[STATFS_SIZE];
    if (libc().fstatfs(fd(), statfs) < 0) {
      throw failed("fstatfs", path);
    }
    long flags = ByteBuffer.wrap(statfs).order(ByteOrder.nativeOrder()).getLong(80);
    return (flags & ST_RDONLY) != 0;
  }

  /** Makes a directory; see {@link #dir} to open it. */
  public void mkdir(String name, int mode) {
    asOwner(
        () -> {
          if (libc().mkdirat(fd(), component(name), mode) < 0) {
            throw failed("mkdirat", at(name));
          }
          return true;
        });
    if (Umask.takesFrom(mode)) {
      chmod(name, mode);
    }
  }

  /**
   * @throws GantryException NOT_FOUND
   */
  public Stat stat(String name) {
    return shown(Kernel.stat(fd(), component(name), 0, at(name)));
  }

  /** What the directory itself is. */
  public Stat stat() {
    return shown(Kernel.stat(fd(), bytes(""), AT_EMPTY_PATH, path));
  }

  /** As {@link #stat(String)}, empty when there is no such name. */
  public Optional<Stat> find(String name) {
    byte[] statx = new byte[Stat.STATX_SIZE];
    if (Kernel.statx(fd(), component(name), 0, statx)) {
      return Optional.of(shown(Stat.of(statx)));
    }
    if (Kernel.errno() == Errno.ENOENT) {
      return Optional.empty();
    }
    throw failed("statx", at(name));
  }

  public boolean has(String name) {
    return find(name).isPresent();
  }

  /** Makes a new regular file, open for reading and writing. */
  public File create(String name, int mode) {
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    int opened =
        asOwner(
            () -> {
              int made = Kernel.openat2(fd(), component(name), flags, mode & 0777, BENEATH);
              if (made < 0) {
                throw failed("openat2", at(name));
              }
              return made;
            });
    File file = new File(opened, at(name), seen);
    if ((mode & ~0777) != 0 || Umask.takesFrom(mode)) {
      try {
        file.chmod(mode);
      } catch (GantryException e) {
        file.close();
        unlink(name);
        throw e;
      }
    }
    return file;
  }

  /**
   * Opens a regular file for reading.
   *
   * @throws GantryException NOT_FOUND; INVALID for anything but a regular file, which is never
   *     waited for
   */
  public File open(String path) {
    return open(path, O_RDONLY);
  }

  /** As {@link #open(String)}, for reading and writing. */
  public File openForWriting(String path) {
    return open(path, O_RDWR);
  }

  private File open(String path, int access) {
    int found = Kernel.openat2(fd(), bytes(path), O_PATH | O_NOFOLLOW, 0, BENEATH);
    if (found < 0) {
      throw failed("openat2", at(path));
    }
    try {
      // Looked at before it is opened: opening a device may already do something.
      if (!Kernel.stat(found, bytes(""), AT_EMPTY_PATH, at(path)).isRegular()) {
        throw new GantryException(Kind.INVALID, "not a regular file: " + Names.printable(at(path)));
      }
      int opened = Kernel.openat2(AT_FDCWD, bytes("/proc/self/fd/" + found), access, 0, 0);
      if (opened < 0) {
        throw failed("openat2", at(path));
      }
      return new File(opened, at(path), seen);
    } finally {
      libc().close(found);
    }
  }

  public void symlink(String target, String name) {
    asOwner(
        () -> {
          if (libc().symlinkat(bytes(target), fd(), component(name)) < 0) {
            throw failed("symlinkat", at(name));
          }
          return true;
        });
  }

  public String readlink(String name) {
    byte[] target = new byte[LONGEST_LINK];
    long length = libc().readlinkat(fd(), component(name), target, target.length);
    if (length < 0) {
      throw failed("readlinkat", at(name));
    }
    return new String(target, 0, (int) length, ISO_8859_1);
  }

  /** Makes {@code name} another name of a file, which may be a symbolic link. */
  public void link(Dir from, String fromName, String name) {
    if (libc().linkat(from.fd(), component(fromName), fd(), component(name), 0) < 0) {
      throw failed("linkat", at(name));
    }
  }

  /** Makes a FIFO, a socket or a device file; the numbers are 0 for the former two. */
  public void mknod(String name, Stat.Type type, int mode, int major, int minor) {
    int bits = type.bits | mode;
    asOwner(
        () -> {
          if (libc().mknodat(fd(), component(name), bits, Kernel.device(major, minor)) < 0) {
            throw failed("mknodat", at(name));
          }
          return true;
        });
    if (Umask.takesFrom(mode)) {
      chmod(name, mode);
    }
  }

  /** Removes a name that is not a directory. */
  public void unlink(String name) {
    if (libc().unlinkat(fd(), component(name), 0) < 0) {
      throw failed("unlinkat", at(name));
    }
  }

  /** As {@link #unlink}, for whoever expects a failure: empty when the name is removed. */
  Optional<Errno> tryUnlink(String name) {
    return libc().unlinkat(fd(), component(name), 0) < 0
        ? Optional.of(Kernel.errno())
        : Optional.empty();
  }

  /** As {@link #rmdir}, for whoever expects a failure: false when the directory is left. */
  boolean tryRmdir(String name) {
    return libc().unlinkat(fd(), component(name), AT_REMOVEDIR) == 0;
  }

  /** Removes an empty directory. */
  public void rmdir(String name) {
    if (libc().unlinkat(fd(), component(name), AT_REMOVEDIR) < 0) {
      throw failed("rmdir", at(name));
    }
  }

  /** Moves {@code name}, replacing what is there. */
  public void rename(String name, Dir to, String toName) {
    rename(name, to, toName, 0);
  }

  /**
   * Moves {@code name} to where nothing is.
   *
   * @throws GantryException CONFLICT when {@code toName} exists
   */
  public void renameNew(String name, Dir to, String toName) {
    rename(name, to, toName, RENAME_NOREPLACE);
  }

  private void rename(String name, Dir to, String toName, int flags) {
    if (libc().renameat2(fd(), component(name), to.fd(), component(toName), flags) < 0) {
      throw failed("renameat2", at(name) + " to " + to.at(toName));
    }
  }

  /** Removes whatever is there, with all below it; does nothing when nothing is. */
  public void removeTree(String name) {
    TreeRemoval.remove(this, name, () -> true);
  }

  /**
   * As {@link #removeTree(String)}, as long as {@code goOn} says so.
   *
   * @return false when something is left
   */
  public boolean removeTree(String name, BooleanSupplier goOn) {
    return TreeRemoval.remove(this, name, goOn);
  }

  /** Changes the owner of the name itself, also of a symbolic link. */
  public void chown(String name, long uid, long gid) {
    int flags = AT_SYMLINK_NOFOLLOW;
    int user = (int) (seen == null ? uid : seen.user(mount(), uid));
    int group = (int) (seen == null ? gid : seen.group(mount(), gid));
    if (libc().fchownat(fd(), component(name), user, group, flags) < 0) {
      throw failed("fchownat", at(name));
    }
  }

  /** Changes the owner of the directory itself. */
  public void chown(long uid, long gid) {
    int user = (int) (seen == null ? uid : seen.user(mount(), uid));
    int group = (int) (seen == null ? gid : seen.group(mount(), gid));
    if (libc().fchown(fd(), user, group) < 0) {
      throw failed("fchown", path);
    }
  }

  /**
   * Changes permission, set-id and sticky bits.
   *
   * @throws GantryException INVALID for a symbolic link, which has none
   */
  public void chmod(String name, int mode) {
    int opened = Kernel.openat2(fd(), component(name), O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH);
    if (opened < 0) {
      throw failed("openat2", at(name));
    }
    try {
      // fchmod(2) refuses O_PATH, and fchmodat2(2) is there from Linux 6.6 only.
      if (Kernel.stat(opened, bytes(""), AT_EMPTY_PATH, at(name)).isSymlink()) {
        throw new GantryException(
            Kind.INVALID, "chmod of a symbolic link: " + Names.printable(at(name)));
      }
      if (libc().chmod(bytes("/proc/self/fd/" + opened), mode) < 0) {
        throw failed("chmod", at(name));
      }
    } finally {
      libc().close(opened);
    }
  }

  /** Changes permission, set-id and sticky bits of the directory itself. */
  public void chmod(int mode) {
    if (libc().fchmod(fd(), mode) < 0) {
      throw failed("fchmod", path);
    }
  }

  /** Sets the times of the name itself, also of a symbolic link. */
  public void utimes(String name, Instant accessed, Instant modified) {
    long[] times = Kernel.times(accessed, modified);
    if (libc().utimensat(fd(), component(name), times, AT_SYMLINK_NOFOLLOW) < 0) {
      throw failed("utimensat", at(name));
    }
  }

  /** Sets the times of the directory itself. */
  public void utimes(Instant accessed, Instant modified) {
    if (libc().futimens(fd(), Kernel.times(accessed, modified)) < 0) {
      throw failed("futimens", path);
    }
  }

  /** Extended attributes of the name itself, also of a symbolic link. */
  public Xattrs xattrs(String name) {
    component(name);
    // There are no …at calls before Linux 6.13; the descriptor's link is the kernel's own.
    return Xattrs.ofPath("/proc/self/fd/" + fd() + "/" + name, at(name));
  }

  /** Extended attributes of the directory itself. */
  public Xattrs xattrs() {
    return Xattrs.ofDescriptor(fd(), path);
  }

  /** All names, without {@code .} and {@code ..}, in the kernel's order. */
  public List<String> names() {
    return names(Integer.MAX_VALUE);
  }

  /**
   * As {@link #names()}, for directories that strangers fill.
   *
   * @throws GantryException EXHAUSTED when there are more than {@code most}
   */
  public List<String> names(int most) {
    List<String> names = new ArrayList<>();
    read(
        (name, type) -> {
          if (names.size() == most) {
            throw new GantryException(
                Kind.EXHAUSTED,
                "more than " + most + " names in one directory: " + Names.printable(path));
          }
          names.add(name);
        });
    return names;
  }

  public boolean isEmpty() {
    boolean[] found = {false};
    readUntil(() -> found[0], (name, type) -> found[0] = true);
    return !found[0];
  }

  /**
   * A name in a directory.
   *
   * @param type empty where the file system does not keep it with the name (d_type)
   */
  public record Entry(String name, Optional<Stat.Type> type) {}

  /**
   * Hands out each name as {@link #names} has them, with what can be told of it without looking at
   * it; keeps none of them. What the sink makes or removes here may be seen or not.
   */
  public void entries(Consumer<Entry> sink) {
    read((name, type) -> sink.accept(new Entry(name, Stat.Type.ofEntry(type))));
  }

  private interface EntrySink {
    void entry(String name, byte type);
  }

  private void read(EntrySink sink) {
    readUntil(() -> false, sink);
  }

  private void readUntil(BooleanSupplier enough, EntrySink sink) {
    if (libc().lseek(fd(), 0, 0) < 0) {
      throw failed("lseek", path);
    }
    byte[] entries = new byte[ENTRIES_SIZE];
    for (int size; !enough.getAsBoolean() && (size = Kernel.getdents64(fd(), entries)) != 0; ) {
      if (size < 0) {
        throw failed("getdents64", path);
      }
      pick(entries, size, sink);
    }
  }

  private static void pick(byte[] entries, int size, EntrySink sink) {
    ByteBuffer records = ByteBuffer.wrap(entries).order(ByteOrder.nativeOrder());
    int nameAt = 19;
    for (int at = 0; at < size; at += records.getShort(at + 16)) {
      int end = at + nameAt;
      while (entries[end] != 0) {
        end++;
      }
      String name = new String(entries, at + nameAt, end - at - nameAt, ISO_8859_1);
      if (!name.equals(".") && !name.equals("..")) {
        sink.entry(name, entries[at + nameAt - 1]);
      }
    }
  }

  /**
   * Says whether directories made in this one have nothing to do with each other (chattr(1), {@code
   * T}): ext4 puts them far apart then, so that who fills them side by side does not search the
   * same bitmaps, and those neither where much has just been deleted, which it searches inode by
   * inode. Does nothing where there is no such flag.
   */
  public void spreadBelow(boolean apart) {
    int[] flags = {0};
    if (libc().ioctl(fd(), FS_IOC_GETFLAGS, flags) == 0) {
      flags[0] = apart ? flags[0] | FS_TOPDIR_FL : flags[0] & ~FS_TOPDIR_FL;
      libc().ioctl(fd(), FS_IOC_SETFLAGS, flags);
    }
  }

  /** Waits until names made and removed here would survive a power cut. */
  public void sync() {
    if (libc().fsync(fd()) < 0) {
      throw failed("fsync", path);
    }
  }

  /** Waits until everything written on this file system would survive a power cut. */
  public void syncFileSystem() {
    if (libc().syncfs(fd()) < 0) {
      throw failed("syncfs", path);
    }
  }

  /** The path it was opened by, as bytes; only for messages. */
  @Override
  public String toString() {
    return path;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      libc().close(fd);
    }
  }

  String at(String name) {
    return path + "/" + name;
  }

  /** For calls on this directory; never to be closed. */
  int descriptor() {
    return fd();
  }

  private int fd() {
    if (closed) {
      throw new IllegalStateException("closed: " + path);
    }
    return fd;
  }
}
