package io.gantry.image.layer;

import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.Stat;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * Finds directories in a tree for paths that strangers chose. Symbolic links on the way are
 * followed as a process with this root would see them, by ourselves: every step is an openat2(2)
 * that follows none, so nothing that happens meanwhile leads out.
 */
class LayerTree implements AutoCloseable {

  private static final int MAX_LINKS = 40;

  /** A directory and the path without links that leads to it. */
  record Place(Dir dir, String path) {}

  /** Told of directories that had to be made on the way. */
  interface Made {
    void directory(String path);
  }

  private final Dir root;
  private final Made made;
  private String lastAsked = "";
  private Place last;
  private boolean stale;

  LayerTree(Dir root, Made made) {
    this.root = root;
    this.made = made;
    this.last = new Place(root, "");
  }

  /** The directory of a clean path, made with its parents if need be. Valid until the next call. */
  Place directory(String path) {
    if (stale || !path.equals(lastAsked)) {
      Place found = find(path, true);
      close();
      last = found;
      lastAsked = path;
      stale = false;
    }
    return last;
  }

  /**
   * The directory of a clean path if there is one; to be given back to {@link #done}.
   *
   * @throws GantryException INVALID when something on the way is no directory
   */
  Place find(String path, boolean make) {
    if (path.isEmpty()) {
      return new Place(root, "");
    }
    try {
      return new Place(root.dir(path), path);
    } catch (GantryException e) {
      Errno errno = SyscallError.errno(e);
      if (errno == Errno.ELOOP
          || errno == Errno.ENOTDIR
          || (errno == Errno.ENOENT && (make || looksFurther()))) {
        return followed(path, make);
      }
      throw e;
    }
  }

  /** The directory of a path that has links on its way, or of which something is missing. */
  Place followed(String path, boolean make) {
    String resolved = resolve(path, make);
    return resolved.isEmpty() ? new Place(root, "") : new Place(root.dir(resolved), resolved);
  }

  /** Closes what {@link #find} gave. */
  void done(Place place) {
    if (place.dir() != root) {
      place.dir().close();
    }
  }

  /** Must be called when a directory is removed; what {@link #directory} gave stays open. */
  void forget() {
    stale = true;
  }

  private String resolve(String path, boolean make) {
    Deque<String> todo = new ArrayDeque<>();
    pushAll(path, todo);
    String done = "";
    for (int links = 0; !todo.isEmpty(); ) {
      String name = todo.pop();
      if (name.equals("..")) {
        done = TreePath.parent(done);
        continue;
      }
      String next = TreePath.child(done, name);
      try (Closing at = open(done)) {
        String target = step(at.dir, name, next, make, path);
        if (!target.isEmpty()) {
          if (++links > MAX_LINKS) {
            throw BadTar.entry(path, "too many levels of symbolic links");
          }
          if (target.startsWith("/")) {
            done = "";
          }
          pushAll(target, todo);
          continue;
        }
      }
      done = next;
    }
    return done;
  }

  /**
   * Makes a file, link or device of this tree of one that only the layers below have.
   *
   * @param bytes is told how large it will be
   * @return false when there is none
   */
  boolean bringUp(String path, LongConsumer bytes) {
    return false;
  }

  /** Whether a name says that what the layers below have there is gone. */
  boolean isHidden(Dir at, String name) {
    return false;
  }

  /** Whether what is missing here may be found all the same. */
  boolean looksFurther() {
    return false;
  }

  /**
   * Goes down by one name, which makes a directory if need be.
   *
   * @return where a symbolic link leads to; empty when {@code next} is a directory now
   */
  String step(Dir at, String name, String next, boolean make, String path) {
    Optional<Stat> stat = at.find(name);
    if (stat.isPresent() && stat.get().isSymlink()) {
      return at.readlink(name);
    }
    if (stat.isEmpty() && make) {
      at.mkdir(name, 0755);
      made.directory(next);
    } else if (stat.isEmpty() || !stat.get().isDirectory()) {
      throw BadTar.entry(path, BadTar.quoted(next) + " is not a directory");
    }
    return "";
  }

  private static void pushAll(String path, Deque<String> todo) {
    String[] names = path.split("/", -1);
    for (int i = names.length - 1; i >= 0; i--) {
      if (!names[i].isEmpty() && !names[i].equals(".")) {
        todo.push(names[i]);
      }
    }
  }

  private Closing open(String path) {
    return new Closing(path.isEmpty() ? root : root.dir(path));
  }

  private final class Closing implements AutoCloseable {
    private final Dir dir;

    Closing(Dir dir) {
      this.dir = dir;
    }

    @Override
    public void close() {
      if (dir != root) {
        dir.close();
      }
    }
  }

  @Override
  public void close() {
    if (last.dir() != root) {
      last.dir().close();
    }
    last = new Place(root, "");
    stale = true;
  }
}
