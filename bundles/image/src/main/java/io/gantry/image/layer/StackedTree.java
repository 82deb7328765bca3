package io.gantry.image.layer;

import io.gantry.linux.Dir;
import io.gantry.linux.Stat;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * The tree of a layer that does not hold those below it, as if it did: an entry may lie behind a
 * link or in a directory that only they have. Such a directory is made once more with all its
 * attributes, so that a layer means the same in every storage driver.
 */
final class StackedTree extends LayerTree {

  private final Dir root;
  private final Whiteouts whiteouts;
  private final Lower lower;
  private final Made made;

  /**
   * @param lower closed with this one
   */
  StackedTree(Dir root, Whiteouts whiteouts, Lower lower, Made made) {
    super(root, made);
    this.root = root;
    this.whiteouts = whiteouts;
    this.lower = lower;
    this.made = made;
  }

  @Override
  boolean looksFurther() {
    return true;
  }

  @Override
  boolean isHidden(Dir at, String name) {
    return whiteouts.isWhitedOut(at, name, at.find(name));
  }

  @Override
  String step(Dir at, String name, String next, boolean make, String path) {
    Optional<Stat> stat = at.find(name);
    if (whiteouts.isWhitedOut(at, name, stat)) {
      require(make, next);
      stat.ifPresent(mark -> at.unlink(name));
      whiteouts.clear(at, name);
      at.mkdir(name, 0755);
      try (Dir directory = at.dir(name)) {
        whiteouts.makeOpaque(directory);
      }
      made.directory(next);
      return "";
    }
    Optional<Lower.Found> below = stat.isPresent() ? Optional.empty() : below(next);
    if (below.isEmpty()) {
      require(make || stat.isPresent(), next);
      return super.step(at, name, next, make, path);
    }
    try (Lower.Found found = below.get()) {
      if (found.isSymlink()) {
        return found.link();
      }
      require(make, next);
      if (found.directory().isEmpty()) {
        throw BadTar.entry(path, BadTar.quoted(next) + " is not a directory");
      }
      found.copyTo(at, name);
      made.directory(next);
      return "";
    }
  }

  @Override
  boolean bringUp(String path, LongConsumer bytes) {
    String name = TreePath.name(path);
    Place place = find(TreePath.parent(path), true);
    try {
      String at = TreePath.child(place.path(), name);
      return !isHidden(place.dir(), name)
          && !hidesBelow(at)
          && lower.copyFile(at, place.dir(), bytes);
    } finally {
      done(place);
    }
  }

  private static void require(boolean there, String path) {
    if (!there) {
      throw new GantryException(Kind.NOT_FOUND, "not there: " + BadTar.quoted(path));
    }
  }

  /** What is seen of the layers below at a path whose parents this layer has. */
  private Optional<Lower.Found> below(String path) {
    return hidesBelow(path) ? Optional.empty() : lower.find(path);
  }

  private boolean hidesBelow(String path) {
    for (String at = TreePath.parent(path); !at.isEmpty(); at = TreePath.parent(at)) {
      try (Dir parent = root.dir(at)) {
        if (io.gantry.linux.Whiteouts.isOpaque(parent)) {
          return true;
        }
      }
    }
    return io.gantry.linux.Whiteouts.isOpaque(root);
  }

  @Override
  public void close() {
    super.close();
    lower.close();
  }
}
