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
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes files from members of a tar, inside one tree and nowhere else, whatever the names say and
 * whoever else changes the tree. What is in the way of an entry is removed and never written
 * through. Character devices 0:0 are refused, because to overlayfs they are deletions.
 */
abstract class TreeWriter implements AutoCloseable {

  /** Names and times of directories are kept until the end; so much of them at most. */
  private static final long MAX_DIRECTORY_CHARS = 64L << 20;

  /** The same for each entry that there may be: who has few must not have long ones instead. */
  private static final long MAX_ENTRY_CHARS = 64;

  final LayerTree tree;
  final Limits limits;
  private final List<DirectoryTime> directoryTimes = new ArrayList<>();
  private final byte[] buffer = new byte[1 << 16];
  private long directoryChars;
  private long logicalBytes;

  private record DirectoryTime(String path, Instant modified) {}

  TreeWriter(LayerTree tree, Limits limits) {
    this.tree = tree;
    this.limits = limits;
  }

  /** Content of the present entry is in the tree now. */
  abstract void wrote(TarReader reader, String path, long start, long end) throws IOException;

  /** The file of an entry is there. */
  abstract void made(String path, TarEntry entry, TarReader reader);

  /** Takes something out of the way of an entry. */
  abstract void clear(Dir parent, String name, String path, Stat stat, TarEntry entry)
      throws IOException;

  /** Takes the interrupt back: what is undone now needs to wait for things, too. */
  static void stopWhenInterrupted() {
    if (Thread.interrupted()) {
      throw new GantryException(Kind.CANCELLED, "cancelled");
    }
  }

  /** The user's archive is to blame for what the kernel refuses; a full disk is not. */
  static GantryException explained(TarEntry entry, GantryException e) {
    return switch (SyscallError.errno(e)) {
      case OTHER, ENOSPC, EDQUOT, ENOMEM, EMFILE, ENFILE, EIO, EROFS -> e;
      default ->
          new GantryException(
              Kind.INVALID, "tar entry " + BadTar.quoted(entry.path()) + ": " + e.getMessage(), e);
    };
  }

  void make(TarEntry entry, TarReader reader, Place place, String name) throws IOException {
    String path = TreePath.child(place.path(), name);
    Optional<Stat> present = place.dir().find(name);
    boolean isDirectory = entry.type() == Type.DIRECTORY;
    if (entry.type() == Type.HARD_LINK && present.isPresent() && isSame(entry, present.get())) {
      if (tree.isHidden(place.dir(), name)) {
        throw toNothing(entry);
      }
      return;
    }
    if (present.isPresent() && !(isDirectory && present.get().isDirectory())) {
      clear(place.dir(), name, path, present.get(), entry);
    }
    switch (entry.type()) {
      case FILE -> file(entry, reader, place.dir(), name, path);
      case HARD_LINK -> hardLink(entry, place, name);
      case SYMLINK -> {
        if (entry.link().isEmpty()) {
          throw BadTar.entry(entry.path(), "a symbolic link to nothing");
        }
        place.dir().symlink(entry.link(), name);
        Attributes.describe(entry, place.dir(), name);
      }
      case DIRECTORY -> {
        if (present.isEmpty() || !present.get().isDirectory()) {
          place.dir().mkdir(name, entry.mode());
        }
        Attributes.describe(entry, place.dir(), name);
        rememberTime(path, entry.modified());
      }
      default -> {
        device(entry, place.dir(), name);
        Attributes.describe(entry, place.dir(), name);
      }
    }
    made(path, entry, reader);
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
          noteContent(reader, path, start, end);
          start = at;
          file.position(at);
        }
        file.write(view.clear().limit(n));
        end = at + n;
      }
      noteContent(reader, path, start, end);
      if (end < entry.size()) {
        file.truncate(entry.size());
      }
      Attributes.describe(entry, file);
    }
  }

  private void noteContent(TarReader reader, String path, long start, long end) throws IOException {
    if (end > start) {
      wrote(reader, path, start, end);
    }
  }

  private void hardLink(TarEntry entry, Place place, String name) {
    String target = TreePath.clean(entry.link());
    if (target.isEmpty()) {
      throw BadTar.entry(entry.path(), "a hard link to a directory");
    }
    try {
      if (link(target, place, name)
          || tree.bringUp(target, this::addLogicalBytes) && linkAnew(entry, target, place, name)) {
        return;
      }
    } catch (GantryException e) {
      if (SyscallError.errno(e) == Errno.EPERM) {
        throw BadTar.entry(entry.path(), "may not link to " + BadTar.quoted(entry.link()));
      }
      throw e;
    }
    throw toNothing(entry);
  }

  private static GantryException toNothing(TarEntry entry) {
    return BadTar.entry(
        entry.path(), "links to " + BadTar.quoted(entry.link()) + ", which is not there");
  }

  /** What was brought up may be the link itself, or have brought up what the entry replaces. */
  private boolean linkAnew(TarEntry entry, String target, Place place, String name) {
    Optional<Stat> present = place.dir().find(name);
    return present.isPresent() ? isSame(entry, present.get()) : link(target, place, name);
  }

  /** Returns false when the target is not there. */
  private boolean link(String target, Place place, String name) {
    try {
      Place from = tree.find(TreePath.parent(target), false);
      try {
        String targetName = TreePath.name(target);
        if (tree.isHidden(from.dir(), targetName)) {
          return false;
        }
        place.dir().link(from.dir(), targetName, name);
        return true;
      } finally {
        tree.done(from);
      }
    } catch (GantryException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return false;
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
        tree.done(from);
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

  private void addLogicalBytes(long size) {
    logicalBytes += size;
    if (logicalBytes < 0 || logicalBytes > limits.maxBytes()) {
      throw new GantryException(Kind.EXHAUSTED, "the files of the archive do not fit on the disk");
    }
  }

  void rememberTime(String path, Instant modified) {
    directoryChars += path.length() + 32;
    if (directoryChars > Math.min(MAX_DIRECTORY_CHARS, MAX_ENTRY_CHARS * limits.maxEntries())) {
      throw BadTar.header("too many directories");
    }
    directoryTimes.add(new DirectoryTime(path, modified));
  }

  /** At the end, since every file made in a directory changes its time. */
  void restoreDirectoryTimes() {
    for (DirectoryTime directory : directoryTimes) {
      try {
        Place place = tree.find(directory.path(), false);
        try {
          place.dir().utimes(directory.modified(), directory.modified());
        } finally {
          tree.done(place);
        }
      } catch (GantryException e) {
        switch (SyscallError.errno(e)) {
          case ENOENT, ENOTDIR, ELOOP -> {} // a later entry has taken its place
          default -> {
            if (SyscallError.errno(e) != Errno.OTHER
                || e.kind() != Kind.INVALID && e.kind() != Kind.NOT_FOUND) {
              throw e;
            } // as above
          }
        }
      }
    }
  }

  @Override
  public void close() {
    tree.close();
  }
}
