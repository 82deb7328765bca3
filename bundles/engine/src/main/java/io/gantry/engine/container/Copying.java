package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.ByteStream;
import io.gantry.api.ContainerFiles.Archive;
import io.gantry.api.ContainerFiles.FileType;
import io.gantry.api.ContainerFiles.PathStat;
import io.gantry.api.ContainerFiles.Unpacking;
import io.gantry.image.layer.ArchiveWriter;
import io.gantry.image.layer.Limits;
import io.gantry.image.layer.TarStream;
import io.gantry.image.layer.TreeMembers;
import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.Names;
import io.gantry.linux.Rootfs;
import io.gantry.linux.Stat;
import io.gantry.linux.SyscallError;
import io.gantry.linux.TreeCursor;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import io.gantry.spi.storage.LayerDir;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Copies from and to containers. Whatever is told about a file is told by a descriptor of it: no
 * path is looked at first and used afterwards.
 */
final class Copying {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Limits LIMITS = Limits.layer(Long.MAX_VALUE);

  private final Workshop shop;
  private final Roots roots;
  private final Teller teller;

  Copying(Workshop shop, Roots roots, Teller teller) {
    this.shop = shop;
    this.roots = roots;
    this.teller = teller;
  }

  PathStat stat(Container container, String ref, String text) {
    var path = parse(text);
    try (var open = roots.open(container)) {
      try (var found = find(open.rootfs(), path)) {
        return pathStat(open.rootfs(), path, found);
      } catch (GantryException e) {
        throw explained(e, ref, text);
      }
    }
  }

  Archive read(Container container, String ref, String text) {
    var path = parse(text);
    try (Undo undo = new Undo()) {
      var open = roots.open(container);
      undo.add(open::close);
      var archive = archive(container, open, path, ref, text);
      undo.keep();
      teller.tell(container.record(), "archive-path");
      return archive;
    }
  }

  private Archive archive(
      Container container, FileGate.Open open, ContainerPath path, String ref, String text) {
    try (Undo undo = new Undo()) {
      var found = find(open.rootfs(), path);
      undo.add(found::close);
      var stat = pathStat(open.rootfs(), path, found);
      var members = members(found, path, roots.crossing(container, open.rootfs()));
      undo.keep();
      return new Archive(stat, stream(container.id, members, open.use()));
    } catch (GantryException e) {
      throw explained(e, ref, text);
    }
  }

  private static TarStream.Members members(
      Found found, ContainerPath path, TreeCursor.Crossing crossing) {
    if (found.name != null) {
      return TreeMembers.ofFile(found.dir, found.name);
    }
    return new TreeMembers(found.dir, path.name().equals("/") ? "" : path.name(), crossing);
  }

  private ByteStream stream(String id, TarStream.Members members, FileGate.Use use) {
    var stream = new PulledStream(new TarStream(members), shop.workers(), use::close);
    use.onRevoked(
        () ->
            stream.revoke(
                new GantryException(
                    CONFLICT, "container " + id + " was started or removed while it was read")));
    return stream;
  }

  void write(
      Container container, String ref, String text, InputStream archive, Set<Unpacking> how) {
    var path = parse(text);
    try (var open = roots.open(container);
        var unpacking = new Interruptible()) {
      open.use().onRevoked(unpacking::interrupt);
      try (Dir into = directory(open.rootfs(), path)) {
        unpack(container, open.rootfs(), into, path, archive, how);
      } catch (GantryException e) {
        throw explained(e, ref, text);
      }
    }
    teller.tell(container.record(), "extract-to-dir");
  }

  private static Dir directory(Rootfs rootfs, ContainerPath path) {
    try {
      return rootfs.dir(path.clean());
    } catch (GantryException e) {
      throw SyscallError.errno(e) == Errno.ENOTDIR
          ? new GantryException(INVALID, "extraction point is not a directory", e)
          : e;
    }
  }

  private static void unpack(
      Container container,
      Rootfs rootfs,
      Dir into,
      ContainerPath path,
      InputStream archive,
      Set<Unpacking> how) {
    if (into.isReadOnly()) {
      throw readOnly(into.stat().mount() == rootfs.mountOf("/").orElse(0L));
    }
    var owner =
        how.contains(Unpacking.AS_USER)
            ? Accounts.find(rootfs, container.record().spec().process().user())
            : null;
    var options = new ArchiveWriter.Options(how.contains(Unpacking.KEEP_KIND), owner);
    try {
      ArchiveWriter.unpack(archive, rootfs, into, path.clean(), options, LIMITS);
    } catch (IOException e) {
      throw new GantryException(
          UNAVAILABLE, "the archive could not be received: " + e.getMessage(), e);
    }
  }

  /** The root without what is mounted in it. */
  ByteStream export(Container container) {
    var record = container.record();
    LayerDir layer =
        shop.storage().call(record.storageDriver(), driver -> driver.layerDir(record.snapshot()));
    ByteStream tar;
    try (Undo undo = new Undo()) {
      FileGate.Use use;
      Dir top;
      if (layer.whole()) {
        use = container.files.read(PATIENCE);
        undo.add(use::close);
        top = Dir.open(Path.of(layer.path()));
      } else {
        var open = roots.open(container);
        use = open.use();
        undo.add(use::close);
        top = open.rootfs().top();
      }
      undo.add(top::close); // open, it would keep the mount when the use has ended
      tar = stream(container.id, new TreeMembers(top, null, (from, to) -> false), use);
      undo.keep();
    }
    teller.tell(record, "export");
    return tar;
  }

  private static ContainerPath parse(String text) {
    if (text.isEmpty()) {
      throw new GantryException(INVALID, "bad parameter: pathcannot be empty"); // Docker's words
    }
    if (text.indexOf('\0') >= 0) {
      throw new GantryException(INVALID, "bad parameter: path holds a zero byte");
    }
    return ContainerPath.parse(text);
  }

  /** A directory, or a directory and the name of something else in it. */
  private static final class Found implements AutoCloseable {
    private final Dir dir;
    private final @Nullable String name;

    Found(Dir dir, @Nullable String name) {
      this.dir = dir;
      this.name = name;
    }

    Stat stat() {
      return name == null ? dir.stat() : dir.stat(name);
    }

    @Override
    public void close() {
      dir.close();
    }
  }

  private static Found find(Rootfs rootfs, ContainerPath path) {
    if (path.isDirectory()) {
      return new Found(rootfs.dir(path.clean()), null);
    }
    Dir parent = rootfs.dir(path.parent());
    try {
      String name = path.name();
      if (!parent.stat(name).isDirectory()) {
        return new Found(parent, name);
      }
      Dir dir = parent.dir(name);
      parent.close();
      return new Found(dir, null);
    } catch (GantryException e) {
      parent.close();
      throw e;
    }
  }

  private static PathStat pathStat(Rootfs rootfs, ContainerPath path, Found found) {
    Stat stat = found.stat();
    return new PathStat(
        Names.toText(path.name()),
        stat.size(),
        FileType.valueOf(stat.type().name()),
        stat.mode(),
        stat.modified(),
        stat.isSymlink() ? Names.toText(rootfs.resolve(path.clean())) : "");
  }

  private static GantryException explained(GantryException e, String ref, String path) {
    return switch (SyscallError.errno(e)) {
      case ENOENT, ENOTDIR ->
          new GantryException(
              NOT_FOUND, "Could not find the file " + path + " in container " + ref, e);
      case ELOOP -> new GantryException(INVALID, path + ": too many levels of symbolic links", e);
      case ENAMETOOLONG -> new GantryException(INVALID, path + ": file name too long", e);
      case EROFS -> readOnly(false);
      case EBUSY -> new GantryException(CONFLICT, e.getMessage() + ": device or resource busy", e);
      default -> e;
    };
  }

  private static GantryException readOnly(boolean root) {
    return new GantryException(
        FORBIDDEN,
        root ? "container rootfs is marked read-only" : "mounted volume is marked read-only");
  }
}
