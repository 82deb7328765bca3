package io.gantry.image.layer;

import io.gantry.image.layer.TarEntry.Type;
import io.gantry.image.layer.TarStream.Member;
import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.Stat;
import io.gantry.linux.Xattrs;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Makes members of a tar from files; knows which names are of one file. */
final class MemberMaker {

  /** Beyond so many, names of one file are told as files of their own. */
  private static final int MOST_LINKED = 1_000_000;

  private final Map<Stat.FileId, String> linked = new HashMap<>();

  /** What is asked of a file that may be going; see {@link TreeMembers#unlessChanged}. */
  Optional<Member> of(Dir parent, String name, Stat stat, String path) {
    return switch (stat.type()) {
      case SOCKET -> Optional.empty();
      case REGULAR -> TreeMembers.unlessChanged(() -> parent.open(name)).map(f -> file(f, path));
      default -> TreeMembers.unlessChanged(() -> other(parent, name, stat, path));
    };
  }

  Member ofRoot(Dir dir, String path) {
    return new Member(entry(path, Type.DIRECTORY, dir.stat(), 0, "", welcome(dir.xattrs())), null);
  }

  /** The place of something that is mounted over it. */
  static Member empty(String path, Stat stat) {
    return new Member(entry(path, Type.FILE, stat, 0, "", Map.of()), null);
  }

  private Member file(File file, String path) {
    try {
      Stat stat = file.stat();
      Map<String, Bytes> xattrs = welcome(file.xattrs());
      String first = firstName(stat, path);
      if (first.equals(path)) {
        return new Member(entry(path, Type.FILE, stat, stat.size(), "", xattrs), file);
      }
      file.close();
      return new Member(entry(path, Type.HARD_LINK, stat, 0, first, xattrs), null);
    } catch (GantryException e) {
      file.close();
      throw e;
    }
  }

  private Member other(Dir parent, String name, Stat stat, String path) {
    Map<String, Bytes> xattrs = welcome(parent.xattrs(name));
    if (stat.isDirectory()) {
      return new Member(entry(path + "/", Type.DIRECTORY, stat, 0, "", xattrs), null);
    }
    String first = firstName(stat, path);
    if (!first.equals(path)) {
      return new Member(entry(path, Type.HARD_LINK, stat, 0, first, xattrs), null);
    }
    Type type =
        switch (stat.type()) {
          case SYMLINK -> Type.SYMLINK;
          case FIFO -> Type.FIFO;
          case BLOCK_DEVICE -> Type.BLOCK_DEVICE;
          default -> Type.CHARACTER_DEVICE;
        };
    String target = stat.isSymlink() ? parent.readlink(name) : "";
    return new Member(entry(path, type, stat, 0, target, xattrs), null);
  }

  private String firstName(Stat stat, String path) {
    if (stat.links() < 2 || stat.isDirectory()) {
      return path;
    }
    String first = linked.get(stat.fileId());
    if (first != null) {
      return first;
    }
    if (linked.size() < MOST_LINKED) {
      linked.put(stat.fileId(), path);
    }
    return path;
  }

  private static TarEntry entry(
      String path, Type type, Stat stat, long size, String link, Map<String, Bytes> xattrs) {
    return new TarEntry(
        path,
        type,
        size,
        stat.mode(),
        stat.uid(),
        stat.gid(),
        stat.modified(),
        link,
        stat.isDevice() ? stat.major() : 0,
        stat.isDevice() ? stat.minor() : 0,
        xattrs);
  }

  /** Those that a layer takes over. */
  static Map<String, Bytes> welcome(Xattrs all) {
    Map<String, Bytes> xattrs = new TreeMap<>();
    for (String name : all.names()) {
      if (Attributes.isWelcome(name)) {
        all.get(name).ifPresent(value -> xattrs.put(name, value));
      }
    }
    return xattrs;
  }
}
