package io.gantry.linux;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Copies a tree with all there is to it: owners, modes, times to the nanosecond, extended
 * attributes and ACLs, hard links, devices, holes. Blocks are shared where the file system can. An
 * interrupt of the thread ends it with CANCELLED; what was made by then is left to the caller to
 * remove.
 */
public final class TreeCopy {

  private static final int CHUNK = 16 << 20;
  private static final int BUFFER = 128 << 10;

  /** Where the first name of a file of several was copied to. */
  private record Place(List<String> directories, String name) {}

  private final Dir top;
  private final Trail trail;
  private final List<String> directories = new ArrayList<>();
  private final Map<Stat.FileId, Place> linked = new HashMap<>();
  private boolean canClone = true;
  private boolean canCopyInKernel = true;

  private TreeCopy(Dir top, Trail trail) {
    this.top = top;
    this.trail = trail;
  }

  /** Makes the empty directory {@code to} like {@code from}, the top itself included. */
  public static void copy(Dir from, Dir to) {
    try (Trail trail = new Trail(to)) {
      TreeCopy copy = new TreeCopy(to, trail);
      TreeWalk.walk(from, copy.new Copier());
    }
  }

  private final class Copier implements TreeWalk.Visitor {

    @Override
    public void enter(Dir here, String name, Stat stat) {
      trail.here().mkdir(name, 0700);
      trail.down(name);
      directories.add(name);
    }

    @Override
    public void leave(Dir here, Stat stat) {
      // Only now: a default ACL would be inherited, and children would change the times.
      copyAttributes(here, stat, trail.here(), name -> true);
      if (!directories.isEmpty()) {
        directories.remove(directories.size() - 1);
        trail.up();
      }
    }

    @Override
    public void file(Dir here, String name, Stat stat) {
      if (stat.links() > 1 && linkedBefore(name, stat)) {
        return;
      }
      copyFile(here, name, stat, xattr -> true);
    }
  }

  private boolean linkedBefore(String name, Stat stat) {
    Place first = linked.putIfAbsent(stat.fileId(), new Place(List.copyOf(directories), name));
    if (first == null) {
      return false;
    }
    try (Trail way = new Trail(top)) {
      first.directories.forEach(way::down);
      trail.here().link(way.here(), first.name, name);
    }
    return true;
  }

  /**
   * Makes a file, link or device in {@code to} like one of that name elsewhere.
   *
   * @param wanted which attributes, by their names
   */
  public static void copyFile(Dir from, String name, Dir to, Predicate<String> wanted) {
    try (Trail trail = new Trail(to)) {
      new TreeCopy(to, trail).copyFile(from, name, from.stat(name), wanted);
    }
  }

  private void copyFile(Dir here, String name, Stat stat, Predicate<String> wanted) {
    switch (stat.type()) {
      case REGULAR -> {
        try (File from = here.open(name)) {
          copyRegular(from, stat, name, wanted);
        }
      }
      case SYMLINK -> {
        trail.here().symlink(here.readlink(name), name);
        copyAttributes(here, name, stat, wanted);
      }
      default -> {
        trail.here().mknod(name, stat.type(), 0600, stat.major(), stat.minor());
        copyAttributes(here, name, stat, wanted);
      }
    }
  }

  private void copyRegular(File from, Stat stat, String name, Predicate<String> wanted) {
    try (File to = trail.here().create(name, 0600)) {
      if (stat.size() > 0) {
        copyContent(from, to);
      }
      // In this order: chown takes set-id bits and capabilities away, an ACL changes the mode.
      to.chown(stat.uid(), stat.gid());
      copyXattrs(from.xattrs(), to.xattrs(), wanted);
      to.chmod(stat.mode());
      to.utimes(stat.accessed(), stat.modified());
    }
  }

  private void copyAttributes(Dir here, String name, Stat stat, Predicate<String> wanted) {
    Dir made = trail.here();
    made.chown(name, stat.uid(), stat.gid());
    copyXattrs(here.xattrs(name), made.xattrs(name), wanted);
    if (!stat.isSymlink()) {
      made.chmod(name, stat.mode());
    }
    made.utimes(name, stat.accessed(), stat.modified());
  }

  /**
   * Gives a directory owner, mode, times and extended attributes of another.
   *
   * @param wanted which attributes, by their names
   */
  public static void copyAttributes(Dir from, Dir to, Predicate<String> wanted) {
    copyAttributes(from, from.stat(), to, wanted);
  }

  private static void copyAttributes(Dir from, Stat stat, Dir to, Predicate<String> wanted) {
    to.chown(stat.uid(), stat.gid());
    copyXattrs(from.xattrs(), to.xattrs(), wanted);
    to.chmod(stat.mode());
    to.utimes(stat.accessed(), stat.modified());
  }

  private static void copyXattrs(Xattrs from, Xattrs to, Predicate<String> wanted) {
    for (String name : from.names()) {
      if (wanted.test(name)) {
        from.get(name).ifPresent(value -> to.set(name, value));
      }
    }
  }

  private void copyContent(File from, File to) {
    if (canClone && to.cloneFrom(from)) {
      return;
    }
    canClone = false;
    long size = from.size();
    for (long data = from.nextData(0); data >= 0 && data < size; ) {
      long hole = from.nextHole(data);
      copyRange(from, to, data, hole - data);
      data = from.nextData(hole);
    }
    to.truncate(size);
  }

  private void copyRange(File from, File to, long start, long size) {
    from.position(start);
    to.position(start);
    for (long left = size; left > 0; ) {
      TreeWalk.checkInterrupt();
      long count = copyChunk(from, to, Math.min(left, CHUNK));
      if (count == 0) {
        return; // became shorter meanwhile
      }
      left -= count;
    }
  }

  private long copyChunk(File from, File to, long size) {
    if (canCopyInKernel) {
      long count = to.copyFrom(from, size);
      if (count >= 0) {
        return count;
      }
      canCopyInKernel = false;
    }
    ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(size, BUFFER));
    int count = Math.max(from.read(buffer), 0);
    to.write(buffer.flip());
    return count;
  }
}
