package io.gantry.image.layer;

import io.gantry.image.layer.LayerTree.Place;
import io.gantry.image.layer.TarEntry.Type;
import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.File;
import io.gantry.linux.Stat;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Ingest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Applies the tar of a layer to a tree and writes its recipe on the way.
 *
 * <p>Nothing can lead out of the tree: absolute paths count from its root, {@code ..} beyond it is
 * refused, links on the way are followed inside ({@link LayerTree}), what is in the way of an entry
 * is removed and never written through. Where an archive names a path twice, the last one wins.
 * Character devices 0:0 are refused, because to overlayfs they are deletions.
 */
final class LayerWriter implements AutoCloseable {

  /** Names and times of directories are kept until the end; so much of them at most. */
  private static final long MAX_DIRECTORY_CHARS = 64L << 20;

  private final Dir root;
  private final Limits limits;
  private final Whiteouts whiteouts;
  private final Recipe.Writer recipe;
  private final HeldBlobs blobs;
  private final LayerTree tree;
  private final PathIndex index = new PathIndex();
  private final List<DirectoryTime> directoryTimes = new ArrayList<>();
  private final byte[] buffer = new byte[1 << 16];
  private long directoryChars;
  private long logicalBytes;
  private long bytes;

  private record DirectoryTime(String path, Instant modified) {}

  /**
   * @param root an unmounted tree nobody else writes to
   */
  LayerWriter(Dir root, TreeStyle style, Limits limits, Recipe.Writer recipe, HeldBlobs blobs) {
    this.root = root;
    this.whiteouts = new Whiteouts(style);
    this.limits = limits;
    this.recipe = recipe;
    this.blobs = blobs;
    this.tree = new LayerTree(root, path -> index.put(path, PathIndex.NO_CONTENT));
  }

  /**
   * @param tar decompressed
   * @return bytes of files and links the layer holds
   * @throws GantryException INVALID for a tar that is broken or leads outside; the tree is then
   *     half made and of no use
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

  /** Takes the interrupt back: what is undone now needs to wait for things, too. */
  private static void stopWhenInterrupted() {
    if (Thread.interrupted()) {
      throw new GantryException(Kind.CANCELLED, "cancelled");
    }
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

  /** The user's archive is to blame for what the kernel refuses; a full disk is not. */
  private static GantryException explained(TarEntry entry, GantryException e) {
    return switch (SyscallError.errno(e)) {
      case OTHER, ENOSPC, EDQUOT, ENOMEM, EMFILE, ENFILE, EIO, EROFS -> e;
      default ->
          new GantryException(
              Kind.INVALID, "tar entry " + BadTar.quoted(entry.path()) + ": " + e.getMessage(), e);
    };
  }

  private void make(TarEntry entry, TarReader reader, Place place, String name) throws IOException {
    String path = TreePath.child(place.path(), name);
    Optional<Stat> present = place.dir().find(name);
    boolean isDirectory = entry.type() == Type.DIRECTORY;
    boolean hidesBelow = isDirectory && whiteouts.isWhitedOut(place.dir(), name, present);
    if (entry.type() == Type.HARD_LINK && present.isPresent() && isSame(entry, present.get())) {
      return;
    }
    if (present.isPresent() && !(isDirectory && present.get().isDirectory())) {
      remove(place.dir(), name, path, present.get());
    }
    whiteouts.clear(place.dir(), name);
    switch (entry.type()) {
      case FILE -> file(entry, reader, place.dir(), name, path);
      case HARD_LINK -> hardLink(entry, place, name);
      case SYMLINK -> {
        if (entry.link().isEmpty()) {
          throw BadTar.entry(entry.path(), "a symbolic link to nothing");
        }
        place.dir().symlink(entry.link(), name);
        addBytes(entry.link().length());
        Attributes.describe(entry, place.dir(), name);
      }
      case DIRECTORY -> {
        if (present.isEmpty() || !present.get().isDirectory()) {
          place.dir().mkdir(name, entry.mode());
        }
        if (hidesBelow) {
          makeOpaque(path);
        }
        Attributes.describe(entry, place.dir(), name);
        rememberTime(path, entry.modified());
      }
      default -> {
        device(entry, place.dir(), name);
        Attributes.describe(entry, place.dir(), name);
      }
    }
    if (entry.type() != Type.FILE) {
      index.put(path, PathIndex.NO_CONTENT);
    }
  }

  private void file(TarEntry entry, TarReader reader, Dir parent, String name, String path)
      throws IOException {
    addLogicalBytes(entry.size());
    try (File file = parent.create(name, 0600)) {
      ByteBuffer view = ByteBuffer.wrap(buffer);
      long start = 0;
      long end = 0;
      for (; ; ) {
        stopWhenInterrupted();
        long at = reader.position();
        int n = reader.read(buffer);
        if (n < 0) {
          break;
        }
        if (at != end) {
          recordContent(reader, path, start, end);
          start = at;
          file.position(at);
        }
        file.write(view.clear().limit(n));
        end = at + n;
      }
      recordContent(reader, path, start, end);
      if (end < entry.size()) {
        file.truncate(entry.size());
      }
      Attributes.describe(entry, file);
    }
    addBytes(entry.size());
    index.put(path, reader.entries());
  }

  private void recordContent(TarReader reader, String path, long start, long end)
      throws IOException {
    if (end > start) {
      recipe.file(reader.entries(), path, start, end - start);
    }
  }

  private void hardLink(TarEntry entry, Place place, String name) {
    String target = TreePath.clean(entry.link());
    if (target.isEmpty()) {
      throw BadTar.entry(entry.path(), "a hard link to a directory");
    }
    try {
      Place from = tree.find(TreePath.parent(target), false);
      try {
        place.dir().link(from.dir(), TreePath.name(target), name);
      } finally {
        if (from.dir() != root) {
          from.dir().close();
        }
      }
    } catch (GantryException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        throw BadTar.entry(
            entry.path(), "links to " + BadTar.quoted(entry.link()) + ", which is not there");
      }
      if (SyscallError.errno(e) == Errno.EPERM) {
        throw BadTar.entry(entry.path(), "may not link to " + BadTar.quoted(entry.link()));
      }
      throw e;
    }
  }

  /** Whether the link is there already; making it anew would remove the file it links to. */
  private boolean isSame(TarEntry entry, Stat present) {
    String target = TreePath.clean(entry.link());
    if (target.isEmpty()) {
      return false;
    }
    try {
      Place from = tree.find(TreePath.parent(target), false);
      try {
        return from.dir().find(TreePath.name(target)).filter(present::sameFile).isPresent();
      } finally {
        if (from.dir() != root) {
          from.dir().close();
        }
      }
    } catch (GantryException e) {
      return false; // the link itself will say what is wrong
    }
  }

  private static void device(TarEntry entry, Dir parent, String name) {
    Stat.Type type =
        switch (entry.type()) {
          case FIFO -> Stat.Type.FIFO;
          case BLOCK_DEVICE -> Stat.Type.BLOCK_DEVICE;
          default -> Stat.Type.CHARACTER_DEVICE;
        };
    if (type == Stat.Type.FIFO) {
      parent.mknod(name, type, entry.mode(), 0, 0);
      return;
    }
    if (entry.major() == 0 && entry.minor() == 0) {
      throw BadTar.entry(entry.path(), "device 0:0 is no device");
    }
    parent.mknod(name, type, entry.mode(), entry.major(), entry.minor());
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
  }

  private void makeOpaque(String path) {
    if (path.isEmpty()) {
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
        if (here.dir() != root) {
          here.dir().close();
        }
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

  private void addLogicalBytes(long size) {
    logicalBytes += size;
    if (logicalBytes < 0 || logicalBytes > limits.maxBytes()) {
      throw new GantryException(Kind.EXHAUSTED, "the files of the archive do not fit on the disk");
    }
  }

  private void addBytes(long size) {
    bytes += size;
  }

  private void rememberTime(String path, Instant modified) {
    directoryChars += path.length() + 32;
    if (directoryChars > MAX_DIRECTORY_CHARS) {
      throw BadTar.header("too many directories");
    }
    directoryTimes.add(new DirectoryTime(path, modified));
  }

  /** At the end, since every file made in a directory changes its time. */
  private void restoreDirectoryTimes() {
    for (DirectoryTime directory : directoryTimes) {
      if (directory.path().isEmpty()) {
        root.utimes(directory.modified(), directory.modified());
        continue;
      }
      try (Dir dir = root.dir(directory.path())) {
        dir.utimes(directory.modified(), directory.modified());
      } catch (GantryException e) {
        switch (SyscallError.errno(e)) {
          case ENOENT, ENOTDIR, ELOOP -> {} // a later entry has taken its place
          default -> throw e;
        }
      }
    }
  }

  @Override
  public void close() {
    tree.close();
  }
}
