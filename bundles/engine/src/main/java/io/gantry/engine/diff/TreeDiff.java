package io.gantry.engine.diff;

import io.gantry.api.ContainerFiles.Change;
import io.gantry.api.ContainerFiles.Change.Kind;
import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.Stat;
import io.gantry.linux.SyscallError;
import io.gantry.linux.Trail;
import io.gantry.linux.Whiteouts;
import io.gantry.spi.GantryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compares a container's tree with its image's, step by step however deep they are. Both may be
 * changing.
 *
 * <p>The container's tree is whole, or it holds only what differs (overlay): then a device 0:0
 * takes a name away, an opaque directory all names below it, and what is not there is as it was. A
 * directory is listed when it differs itself or when something in it does; its time alone does not
 * count where the engine has made a mount point in it.
 */
public final class TreeDiff implements AutoCloseable {

  /** A container may hold any number of files, the engine's heap not: what has more is refused. */
  private static final int MOST = 1_000_000;

  /** Of paths: directories that nest make them longer and longer. */
  private static final long MOST_CHARACTERS = 48L << 20;

  /** What every start of a container makes, to mount something on it; nobody asked for it. */
  private static final Set<String> MADE_BY_ENGINE =
      Set.of(
          "/.dockerenv",
          "/dev",
          "/dev/console",
          "/dev/mqueue",
          "/dev/pts",
          "/dev/shm",
          "/etc",
          "/etc/hostname",
          "/etc/hosts",
          "/etc/mtab",
          "/etc/resolv.conf",
          "/proc",
          "/sys");

  /** A directory one is in, and what is to be said of it when one leaves it. */
  private static final class Level {
    final String path;
    final Deque<String> names;
    final int count; // of the names at first
    final Stat now;
    final @Nullable Stat before; // null: there was none
    final boolean whole;
    final boolean listed;
    boolean differs; // something in it
    boolean timeIsOurs;

    Level(
        String path,
        Deque<String> names,
        Stat now,
        @Nullable Stat before,
        boolean whole,
        boolean listed) {
      this.path = path;
      this.names = names;
      this.count = names.size();
      this.now = now;
      this.before = before;
      this.whole = whole;
      this.listed = listed;
    }
  }

  private final Trail now;
  private final Trail before;
  private final boolean sparse;
  private final int most;
  private final FileChange files = new FileChange();
  private final Deque<Level> levels = new ArrayDeque<>();
  private final List<Change> changes = new ArrayList<>();
  private int held; // names in levels
  private long characters; // of paths in levels and changes

  private TreeDiff(Dir container, Dir image, boolean sparse, int most) {
    this.now = new Trail(container);
    this.before = new Trail(image);
    this.sparse = sparse;
    this.most = most;
  }

  /**
   * @param container the tree of the container
   * @param image that of its image, which is whole; null for none
   * @param sparse whether the container's tree holds only what differs
   * @return sorted by path; names are bytes
   * @throws GantryException EXHAUSTED when there are too many, CANCELLED on an interrupt
   */
  public static List<Change> of(Dir container, @Nullable Dir image, boolean sparse) {
    return of(container, image, sparse, MOST);
  }

  static List<Change> of(Dir container, @Nullable Dir image, boolean sparse, int most) {
    try (var diff = new TreeDiff(container, image == null ? container : image, sparse, most)) {
      Stat top = container.stat();
      diff.enter("", top, image == null ? null : image.stat(), !sparse, true);
      while (!diff.levels.isEmpty()) {
        diff.step();
      }
      diff.changes.sort(Comparator.comparing(Change::path));
      return diff.changes;
    }
  }

  private void enter(String path, Stat dir, @Nullable Stat old, boolean whole, boolean listed) {
    Set<String> names = new TreeSet<>(names());
    if (whole && old != null) {
      names.addAll(before.here().names(most - held));
    }
    held += names.size();
    keep(path.length());
    levels.push(new Level(path, new ArrayDeque<>(names), dir, old, whole, listed));
  }

  private List<String> names() {
    try {
      return now.here().names(most - held);
    } catch (GantryException e) {
      if (SyscallError.errno(e) == Errno.ENOENT) {
        return List.of(); // it has been removed
      }
      throw e;
    }
  }

  private void step() {
    if (Thread.currentThread().isInterrupted()) {
      throw new GantryException(GantryException.Kind.CANCELLED, "cancelled");
    }
    Level level = levels.element();
    String name = level.names.poll();
    if (name == null) {
      leave(levels.pop());
      return;
    }
    Optional<Stat> old = level.before == null ? Optional.empty() : before.here().find(name);
    Optional<Stat> found = now.here().find(name);
    boolean gone = found.isEmpty() ? level.whole : sparse && Whiteouts.isWhiteout(found.get());
    if (gone) {
      if (old.isPresent()) {
        add(level, name, Kind.DELETED);
      }
    } else if (found.isPresent()) {
      compare(level, name, found.get(), old.orElse(null));
    }
  }

  private void compare(Level level, String name, Stat stat, @Nullable Stat old) {
    String path = level.path + "/" + name;
    if (stat.isDirectory()) {
      descend(level, name, stat, old);
    } else if (old == null && isMadeByEngine(path, stat)) {
      level.timeIsOurs = true;
    } else if (old == null) {
      add(level, name, Kind.ADDED);
    } else if (sparse || files.isOne(now.here(), before.here(), name, stat, old)) {
      add(level, name, Kind.MODIFIED);
    }
  }

  private static boolean isMadeByEngine(String path, Stat stat) {
    boolean empty = stat.isSymlink() || (stat.isRegular() && stat.size() == 0);
    return empty && MADE_BY_ENGINE.contains(path);
  }

  private void descend(Level level, String name, Stat stat, @Nullable Stat old) {
    String path = level.path + "/" + name;
    boolean wasDirectory = old != null && old.isDirectory();
    if (old != null && !wasDirectory) {
      add(level, name, Kind.MODIFIED);
    }
    try {
      now.down(name);
    } catch (GantryException e) {
      if (isGone(e)) {
        return; // its parent has another time now, if nothing else
      }
      throw e;
    }
    if (wasDirectory) {
      before.down(name);
    }
    boolean whole = level.whole || (sparse && Whiteouts.isOpaque(now.here()));
    enter(path, stat, wasDirectory ? old : null, whole, old != null && !wasDirectory);
  }

  private static boolean isGone(GantryException e) {
    Errno errno = SyscallError.errno(e);
    return errno == Errno.ENOENT
        || errno == Errno.ENOTDIR
        || errno == Errno.ELOOP
        || errno == Errno.EXDEV;
  }

  private void leave(Level level) {
    held -= level.count;
    characters -= level.path.length();
    if (levels.isEmpty()) {
      return; // the root itself is never listed
    }
    Level parent = levels.element();
    String name = level.path.substring(level.path.lastIndexOf('/') + 1);
    Stat old = level.before;
    if (old != null) {
      if (level.differs
          || files.isOneOfDirectory(now.here(), before.here(), level.now, old, level.timeIsOurs)) {
        add(parent, name, Kind.MODIFIED);
      }
      before.up();
    } else if (!level.listed) {
      if (!level.differs && MADE_BY_ENGINE.contains(level.path)) {
        parent.timeIsOurs = true;
      } else {
        add(parent, name, Kind.ADDED);
      }
    }
    now.up();
  }

  private void add(Level level, String name, Kind kind) {
    level.differs = true;
    if (changes.size() == most) {
      throw new GantryException(
          GantryException.Kind.EXHAUSTED, "more than " + most + " files of the container differ");
    }
    keep(level.path.length() + 1L + name.length());
    changes.add(new Change(level.path + "/" + name, kind));
  }

  private void keep(long more) {
    characters += more;
    if (characters > MOST_CHARACTERS) {
      throw new GantryException(
          GantryException.Kind.EXHAUSTED,
          "the paths of what differs in the container are too long");
    }
  }

  @Override
  public void close() {
    now.close();
    before.close();
  }
}
