package io.gantry.image.layer;

import io.gantry.image.layer.TarEntry.Type;
import io.gantry.linux.Dir;
import io.gantry.linux.Names;
import io.gantry.linux.Rootfs;
import io.gantry.linux.Stat;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks an archive into a directory of a container, by the rules of {@link TreeWriter}. Whiteouts
 * are files like any others here. Links on the way to an entry lead where they lead for a process
 * of the container; the directory that was opened at the start stays the one it is.
 */
public final class ArchiveWriter extends TreeWriter {

  /**
   * How to unpack.
   *
   * @param keepsKind a directory is not replaced by something else, nor the other way round
   * @param owner whom everything is to belong to; null for whoever the archive says
   */
  public record Options(boolean keepsKind, @Nullable Owner owner) {}

  /** A user and his group. */
  public record Owner(long uid, long gid) {}

  private final String shown;
  private final Options options;

  private ArchiveWriter(LayerTree tree, String shown, Options options, Limits limits) {
    super(tree, limits);
    this.shown = shown;
    this.options = options;
  }

  /**
   * @param archive plain or compressed; read to its end
   * @param into where to unpack; stays the caller's
   * @param path that leads to it
   * @throws GantryException INVALID for an archive that is broken or leads outside, or that {@code
   *     keepsKind} forbids; what came before stays
   */
  public static void unpack(
      InputStream archive, Rootfs rootfs, Dir into, String path, Options options, Limits limits)
      throws IOException {
    try (var writer =
        new ArchiveWriter(
            new RootfsTree(rootfs, into, rootfs.resolve(path)), path, options, limits)) {
      var reader = new TarReader(Decoder.open(archive, limits), limits, (bytes, length) -> {});
      for (TarEntry entry; (entry = reader.next()) != null; ) {
        stopWhenInterrupted();
        writer.apply(entry, reader);
      }
      writer.restoreDirectoryTimes();
    }
  }

  private void apply(TarEntry entry, TarReader reader) throws IOException {
    String path = entry.type() == Type.NOTE ? "" : TreePath.clean(entry.path());
    if (path.isEmpty()) {
      return; // the directory itself stays as it is
    }
    TarEntry owned = owned(entry);
    try {
      make(owned, reader, tree.directory(TreePath.parent(path)), TreePath.name(path));
    } catch (GantryException e) {
      throw explained(entry, e);
    }
  }

  private TarEntry owned(TarEntry entry) {
    Owner owner = options.owner();
    return owner == null
        ? entry
        : new TarEntry(
            entry.path(),
            entry.type(),
            entry.size(),
            entry.mode(),
            owner.uid(),
            owner.gid(),
            entry.modified(),
            entry.link(),
            entry.major(),
            entry.minor(),
            entry.xattrs());
  }

  @Override
  void clear(Dir parent, String name, String path, Stat stat, TarEntry entry) {
    boolean isDirectory = entry.type() == Type.DIRECTORY;
    if (options.keepsKind() && stat.isDirectory() != isDirectory) {
      throw new GantryException(
          Kind.INVALID,
          "cannot overwrite %s %s with %s %s"
              .formatted(
                  stat.isDirectory() ? "directory" : "non-directory",
                  BadTar.quoted(path),
                  isDirectory ? "directory" : "non-directory",
                  BadTar.quoted(Names.toText(shown))));
    }
    if (stat.isDirectory()) {
      parent.removeTree(name);
      tree.forget();
    } else {
      parent.unlink(name);
    }
  }

  @Override
  void wrote(TarReader reader, String path, long start, long end) {}

  @Override
  void made(String path, TarEntry entry, TarReader reader) {}
}
