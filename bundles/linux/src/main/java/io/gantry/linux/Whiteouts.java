package io.gantry.linux;

import io.gantry.linux.Stat.Type;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * What overlay takes for deletions: character devices 0:0, and directories whose attribute {@code
 * trusted.overlay.opaque} is {@code y}.
 */
public final class Whiteouts {

  public static final String OPAQUE = "trusted.overlay.opaque";
  private static final Bytes YES = Bytes.copyOf(new byte[] {'y'});

  private final Dir top;
  private final List<Path> below;
  private final int most;
  private final List<String> names = new ArrayList<>();
  private int kept;

  private Whiteouts(Dir top, List<Path> below, int most) {
    this.top = top;
    this.below = below;
    this.most = most;
  }

  public static boolean isWhiteout(Stat stat) {
    return stat.type() == Type.CHARACTER_DEVICE && stat.major() == 0 && stat.minor() == 0;
  }

  public static boolean isOpaque(Dir dir) {
    return dir.xattrs().get(OPAQUE).filter(YES::equals).isPresent();
  }

  /**
   * Removes the whiteouts of a layer that hide nothing. In a directory that no layer below has, the
   * kernel would list them (and find no file of that name), since it looks for whiteouts only where
   * it merges.
   *
   * @param below the layers below it, topmost first
   * @throws GantryException EXHAUSTED when there are more names to be kept in mind than memory is
   *     given to a stranger's tree
   */
  public static void prune(Dir layer, List<Path> below) {
    prune(layer, below, TreeCursor.MOST_NAMES);
  }

  static void prune(Dir layer, List<Path> below, int most) {
    new Whiteouts(layer, below, most).prune();
  }

  private void prune() {
    Deque<Deque<String>> left = new ArrayDeque<>();
    try (Trail trail = new Trail(top)) {
      left.push(directories(trail.here()));
      while (!left.isEmpty()) {
        String next = left.element().poll();
        if (next != null) {
          kept--;
          trail.down(next);
          names.add(next);
          left.push(directories(trail.here()));
          continue;
        }
        left.pop();
        if (!left.isEmpty()) {
          trail.up();
          names.remove(names.size() - 1);
        }
      }
    }
  }

  /** Clears one directory and returns those in it. */
  private Deque<String> directories(Dir here) {
    Deque<String> directories = new ArrayDeque<>();
    List<String> whiteouts = new ArrayList<>();
    here.entries(
        entry -> {
          Type type = entry.type().orElse(Type.CHARACTER_DEVICE);
          boolean hides = false;
          if (type == Type.CHARACTER_DEVICE) { // or not known
            Stat stat = here.stat(entry.name());
            type = stat.type();
            hides = isWhiteout(stat);
          }
          if (hides) {
            whiteouts.add(entry.name());
          } else if (type == Type.DIRECTORY) {
            directories.add(entry.name());
          }
          if (kept + whiteouts.size() + directories.size() > most) {
            throw new GantryException(
                Kind.EXHAUSTED, "more than " + most + " directories and deletions in a layer");
          }
        });
    kept += directories.size();
    if (!whiteouts.isEmpty() && !merges()) {
      Stat before = here.stat();
      whiteouts.forEach(here::unlink);
      here.utimes(before.accessed(), before.modified());
    }
    return directories;
  }

  /** Whether the kernel joins the directory with one of a layer below. */
  private boolean merges() {
    List<Dir> layers = new ArrayList<>();
    try (Trail own = new Trail(top)) {
      below.forEach(path -> layers.add(Dir.open(path)));
      for (String name : names) {
        own.down(name);
        List<Dir> children = isOpaque(own.here()) ? List.of() : joined(layers, name);
        layers.forEach(Dir::close);
        layers.clear();
        layers.addAll(children);
      }
      return !layers.isEmpty();
    } finally {
      layers.forEach(Dir::close);
    }
  }

  /**
   * The directories that the kernel joins under a name: those of the layers down to the first that
   * hides the others.
   *
   * @param layers a directory of each that has it, topmost first; they stay the caller's
   * @return for the caller to close
   */
  public static List<Dir> joined(List<Dir> layers, String name) {
    List<Dir> joined = new ArrayList<>();
    try {
      for (Dir layer : layers) {
        Optional<Stat> stat = layer.find(name);
        if (stat.isEmpty()) {
          continue;
        }
        if (!stat.get().isDirectory()) {
          break;
        }
        Dir child = layer.dir(name);
        joined.add(child);
        if (isOpaque(child)) {
          break;
        }
      }
      return joined;
    } catch (GantryException e) {
      joined.forEach(Dir::close);
      throw e;
    }
  }
}
