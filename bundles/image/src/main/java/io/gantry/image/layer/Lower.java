package io.gantry.image.layer;

import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.Stat;
import io.gantry.linux.TreeCopy;
import io.gantry.linux.Whiteouts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What the layers below one show, where its own tree does not hold them: an entry may lie in a
 * directory, or behind a symbolic link, that only they have.
 */
final class Lower implements AutoCloseable {

  private final List<Path> layers;
  private final boolean known;
  private final List<Dir> roots = new ArrayList<>();

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
      return look(merged, names[names.length - 1]);
    } finally {
      close(merged);
    }
  }

  private void open() {
    for (Path layer : layers.subList(roots.size(), layers.size())) {
      roots.add(Dir.open(layer));
    }
  }

  private static Optional<Found> look(List<Dir> parents, String name) {
    for (Dir parent : parents) {
      Optional<Stat> stat = parent.find(name);
      if (stat.isPresent()) {
        if (Whiteouts.isWhiteout(stat.get())) {
          return Optional.empty();
        }
        String link = stat.get().isSymlink() ? parent.readlink(name) : "";
        Optional<Dir> dir =
            stat.get().isDirectory() ? Optional.of(parent.dir(name)) : Optional.empty();
        Optional<File> file =
            stat.get().isRegular() ? Optional.of(parent.open(name)) : Optional.empty();
        return Optional.of(new Found(link, dir, file));
      }
    }
    return Optional.empty();
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
   * @param file likewise
   */
  record Found(String link, Optional<Dir> directory, Optional<File> file) implements AutoCloseable {

    private static final Predicate<String> LASTING = xattr -> !xattr.startsWith("trusted.overlay.");

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

    /** Likewise for a file, as one whose names become more. */
    void copyFileTo(Dir parent, String name) {
      TreeCopy.copyFile(file.orElseThrow(), parent, name, LASTING);
    }

    @Override
    public void close() {
      directory.ifPresent(Dir::close);
      file.ifPresent(File::close);
    }
  }
}
