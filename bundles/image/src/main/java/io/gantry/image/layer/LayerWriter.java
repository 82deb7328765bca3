package io.gantry.image.layer;

import io.gantry.image.layer.LayerTree.Place;
import io.gantry.image.layer.TarEntry.Type;
import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.Stat;
import io.gantry.spi.GantryException;
import io.gantry.store.Ingest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Applies the tar of a layer to a tree and writes its recipe on the way.
 *
 * <p>Nothing can lead out of the tree: absolute paths count from its root, {@code ..} beyond it is
 * refused, links on the way are followed inside ({@link LayerTree}), what is in the way of an entry
 * is removed and never written through. Where an archive names a path twice, the last one wins.
 * Character devices 0:0 are refused, because to overlayfs they are deletions.
 */
final class LayerWriter extends TreeWriter {

  private final Dir root;
  private final Whiteouts whiteouts;
  private final Recipe.Writer recipe;
  private final HeldBlobs blobs;
  private final PathIndex index;
  private final Lower lower;
  private @Nullable TarEntry rootEntry;
  private long bytes;

  /**
   * @param root an unmounted tree nobody else writes to
   * @param lower trees of the layers below, when {@code root} does not hold them
   */
  LayerWriter(
      Dir root,
      TreeStyle style,
      Lower lower,
      Limits limits,
      Recipe.Writer recipe,
      HeldBlobs blobs) {
    this(root, new Whiteouts(style), lower, limits, recipe, blobs, new PathIndex());
  }

  private LayerWriter(
      Dir root,
      Whiteouts whiteouts,
      Lower lower,
      Limits limits,
      Recipe.Writer recipe,
      HeldBlobs blobs,
      PathIndex index) {
    super(tree(root, whiteouts, lower, index), limits);
    this.root = root;
    this.whiteouts = whiteouts;
    this.recipe = recipe;
    this.blobs = blobs;
    this.index = index;
    this.lower = lower;
  }

  private static LayerTree tree(Dir root, Whiteouts whiteouts, Lower lower, PathIndex index) {
    LayerTree.Made made = path -> index.put(path, PathIndex.NO_CONTENT);
    LayerTree.Made madeInWhole =
        path -> {
          made.directory(path);
          nameParents(index, path);
        };
    return whiteouts.areRemovals()
        ? new LayerTree(root, madeInWhole)
        : new StackedTree(root, whiteouts, lower, made);
  }

  /**
   * @param tar decompressed
   * @return bytes of files and links the layer holds
   * @throws GantryException INVALID for a tar that is broken or leads outside; the tree is then
   *     half made and of no use
   * @throws Lower.NotThere likewise
   */
  long apply(InputStream tar) throws IOException {
    TarReader reader = new TarReader(tar, limits, recipe);
    for (TarEntry entry; (entry = reader.next()) != null; ) {
      stopWhenInterrupted();
      apply(entry, reader);
    }
    restoreDirectoryTimes();
    return bytes;
  }

  private void apply(TarEntry entry, TarReader reader) throws IOException {
    if (entry.type() == Type.NOTE) {
      return;
    }
    String path = TreePath.clean(entry.path());
    if (path.isEmpty()) {
      if (entry.type() != Type.DIRECTORY) {
        throw BadTar.entry(entry.path(), "replaces the root of the layer");
      }
      describeRoot(entry);
      return;
    }
    if (path.startsWith(Whiteouts.META) && !path.equals(Whiteouts.OPAQUE)) {
      return; // AUFS kept its own books here
    }
    String name = TreePath.name(path);
    String parent = TreePath.parent(path);
    if (("/" + parent).contains("/" + Whiteouts.PREFIX)) {
      throw BadTar.entry(entry.path(), "lies below a whiteout");
    }
    try {
      if (name.startsWith(Whiteouts.PREFIX)) {
        whiteout(entry, parent, name);
      } else {
        make(entry, reader, tree.directory(parent), name);
      }
    } catch (GantryException e) {
      throw explained(entry, e);
    }
  }

  @Override
  void make(TarEntry entry, TarReader reader, Place place, String name) throws IOException {
    Optional<Stat> present = place.dir().find(name);
    // Also where an earlier entry of this layer was something else: that hid them, too.
    boolean hidesBelow =
        entry.type() == Type.DIRECTORY
            && (whiteouts.isWhitedOut(place.dir(), name, present)
                || present.isPresent() && !present.get().isDirectory());
    whiteouts.clear(place.dir(), name);
    super.make(entry, reader, place, name);
    if (hidesBelow) {
      makeOpaque(TreePath.child(place.path(), name));
    }
  }

  @Override
  void wrote(TarReader reader, String path, long start, long end) throws IOException {
    recipe.file(reader.entries(), path, start, end - start);
  }

  @Override
  void made(String path, TarEntry entry, TarReader reader) {
    boolean hasContent = entry.type() == Type.FILE;
    index.put(path, hasContent ? reader.entries() : PathIndex.NO_CONTENT);
    if (hasContent) {
      bytes += entry.size();
    } else if (entry.type() == Type.SYMLINK) {
      bytes += entry.link().length();
    }
    if (whiteouts.areRemovals()) {
      nameParents(index, path);
    }
  }

  /** Where trees are whole, an opaque directory above must not take them for those below only. */
  private static void nameParents(PathIndex index, String path) {
    for (String at = TreePath.parent(path);
        !at.isEmpty() && !index.has(at);
        at = TreePath.parent(at)) {
      index.put(at, PathIndex.NO_CONTENT);
    }
  }

  @Override
  void clear(Dir parent, String name, String path, Stat stat, TarEntry entry) throws IOException {
    remove(parent, name, path, stat);
  }

  private void whiteout(TarEntry entry, String parent, String name) throws IOException {
    Place place = tree.directory(parent);
    if (name.equals(Whiteouts.OPAQUE)) {
      if (whiteouts.areRemovals()) {
        removeWhatIsNotOurs(place);
      }
      makeOpaque(place.path());
      return;
    }
    String gone = name.substring(Whiteouts.PREFIX.length());
    if (gone.isEmpty()
        || gone.equals(".")
        || gone.equals("..")
        || name.startsWith(Whiteouts.META)) {
      throw BadTar.entry(entry.path(), "a whiteout of nothing");
    }
    String path = TreePath.child(place.path(), gone);
    Optional<Stat> present = place.dir().find(gone);
    if (present.isPresent()) {
      remove(place.dir(), gone, path, present.get());
    }
    whiteouts.make(place.dir(), gone);
  }

  private void describeRoot(TarEntry entry) {
    Attributes.describe(entry, root);
    rememberTime("", entry.modified());
    rootEntry = entry;
  }

  /** What the tar says of the root of the tree, if anything. */
  Optional<TarEntry> root() {
    return Optional.ofNullable(rootEntry);
  }

  private void makeOpaque(String path) {
    if (path.isEmpty()) {
      lower.require();
      whiteouts.makeOpaque(root);
      return;
    }
    try (Dir dir = root.dir(path)) {
      whiteouts.makeOpaque(dir);
    }
  }

  /** What came from the layer below goes; what this layer has made already stays. */
  private void removeWhatIsNotOurs(Place place) throws IOException {
    Deque<String> todo = new ArrayDeque<>();
    todo.push(place.path());
    while (!todo.isEmpty()) {
      String path = todo.pop();
      Place here = tree.find(path, false);
      try {
        for (String name : here.dir().names()) {
          String child = TreePath.child(path, name);
          Stat stat = here.dir().stat(name);
          if (!index.has(child)) {
            remove(here.dir(), name, child, stat);
          } else if (stat.isDirectory()) {
            todo.push(child);
          }
        }
      } finally {
        tree.done(here);
      }
    }
  }

  /** Takes something out of the tree and saves content that the recipe counts on. */
  private void remove(Dir parent, String name, String path, Stat stat) throws IOException {
    if (!stat.isDirectory()) {
      displace(parent, name, path, stat);
      parent.unlink(name);
      return;
    }
    Deque<String> todo = new ArrayDeque<>();
    todo.push(path);
    while (!todo.isEmpty()) {
      String below = todo.pop();
      index.put(below, PathIndex.ABSENT);
      try (Dir dir = root.dir(below)) {
        for (String child : dir.names()) {
          String childPath = TreePath.child(below, child);
          Stat childStat = dir.stat(child);
          if (childStat.isDirectory()) {
            todo.push(childPath);
          } else {
            displace(dir, child, childPath, childStat);
          }
        }
      }
    }
    parent.removeTree(name);
    tree.forget();
  }

  private void displace(Dir parent, String name, String path, Stat stat) throws IOException {
    int entry = index.get(path);
    if (entry == PathIndex.ABSENT) {
      return;
    }
    index.put(path, PathIndex.ABSENT);
    if (stat.links() == 1 && (stat.isRegular() || stat.isSymlink())) {
      bytes -= stat.size();
    }
    if (entry == PathIndex.NO_CONTENT || stat.size() == 0) {
      return;
    }
    try (File file = parent.open(name);
        InputStream in = Channels.newInputStream(file);
        Ingest blob = blobs.ingest(limits.maxBytes())) {
      in.transferTo(blob);
      recipe.displaced(entry, blobs.hold(blob));
    }
  }
}
