package io.gantry.image.layer;

import io.gantry.linux.Dir;
import io.gantry.linux.Stat;
import io.gantry.linux.TreeCopy;
import io.gantry.linux.Whiteouts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.function.Predicate;

/**
 * What the layers below one show, where its own tree does not hold them: an entry may lie in a
 * directory, or behind a symbolic link, that only they have.
 */
final class Lower implements AutoCloseable {

  private static final Predicate<String> LASTING = xattr -> !xattr.startsWith("trusted.overlay.");

  private final List<Path> layers;
  private final boolean known;
  private final List<Dir> roots = new ArrayList<>();

  private interface Seen<T> {
    T of(Dir parent, String name, Stat stat);
  }

  /**
   * @param layers directories as overlay has them, topmost first
   */
  Lower(List<Path> layers) {
    this(layers, true);
  }

  private Lower(List<Path> layers, boolean known) {
    this.layers = List.copyOf(layers);
    this.known = known;
  }

  /** Layers that are still to be made. */
  static Lower notYetThere() {
    return new Lower(List.of(), false);
  }

  /** Thrown where it matters what layers below hold that are not there yet. */
  static final class NotThere extends RuntimeException {
    private static final long serialVersionUID = 1;

    NotThere() {
      super("layers below are not there yet", null, false, false);
    }
  }

  /**
   * @throws NotThere
   */
  void require() {
    if (!known) {
      throw new NotThere();
    }
  }

  /** What there is at a clean path; the caller closes it. */
  Optional<Found> find(String path) {
    return at(path, Lower::found);
  }

  /**
   * Makes once more, in a layer above, what is no directory, as one whose names become more.
   *
   * @param bytes is told how large it will be
   * @return false when there is none
   */
  boolean copyFile(String path, Dir to, LongConsumer bytes) {
    Seen<Boolean> copied =
        (parent, name, stat) -> {
          if (stat.isDirectory()) {
            return false;
          }
          if (stat.isRegular()) {
            bytes.accept(stat.size());
          }
          TreeCopy.copyFile(parent, name, to, LASTING);
          return true;
        };
    return at(path, copied).orElse(false);
  }

  private <T> Optional<T> at(String path, Seen<T> seen) {
    require();
    if (roots.size() < layers.size()) {
      open();
    }
    List<Dir> merged = new ArrayList<>(roots);
    String[] names = path.split("/", -1);
    try {
      for (int i = 0; i < names.length - 1 && !merged.isEmpty(); i++) {
        List<Dir> children = Whiteouts.joined(merged, names[i]);
        close(merged);
        merged = children;
      }
      return look(merged, names[names.length - 1], seen);
    } finally {
      close(merged);
    }
  }

  private void open() {
    for (Path layer : layers.subList(roots.size(), layers.size())) {
      roots.add(Dir.open(layer));
    }
  }

  private static <T> Optional<T> look(List<Dir> parents, String name, Seen<T> seen) {
    for (Dir parent : parents) {
      Optional<Stat> stat = parent.find(name);
      if (stat.isPresent()) {
        return Whiteouts.isWhiteout(stat.get())
            ? Optional.empty()
            : Optional.of(seen.of(parent, name, stat.get()));
      }
    }
    return Optional.empty();
  }

  private static Found found(Dir parent, String name, Stat stat) {
    String link = stat.isSymlink() ? parent.readlink(name) : "";
    return new Found(link, stat.isDirectory() ? Optional.of(parent.dir(name)) : Optional.empty());
  }

  private void close(List<Dir> dirs) {
    if (dirs.isEmpty() || roots.isEmpty() || dirs.get(0) != roots.get(0)) {
      dirs.forEach(Dir::close);
    }
  }

  @Override
  public void close() {
    roots.forEach(Dir::close);
    roots.clear();
  }

  /**
   * Something of the layers below.
   *
   * @param link where a symbolic link leads to; empty for what is none
   * @param directory empty for what is none
   */
  record Found(String link, Optional<Dir> directory) implements AutoCloseable {

    boolean isSymlink() {
      return !link.isEmpty();
    }

    /** Makes it once more in this layer, as a container that writes below it would have it made. */
    void copyTo(Dir parent, String name) {
      parent.mkdir(name, 0700);
      try (Dir made = parent.dir(name)) {
        TreeCopy.copyAttributes(directory.orElseThrow(), made, LASTING);
      }
    }

    @Override
    public void close() {
      directory.ifPresent(Dir::close);
    }
  }
}
