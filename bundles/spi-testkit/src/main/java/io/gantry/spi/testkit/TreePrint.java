package io.gantry.spi.testkit;

import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.Stat;
import io.gantry.linux.Xattrs;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** All there is to a tree, path by path, in a form that two trees can be compared by. */
public final class TreePrint {

  private final Map<String, String> lines = new TreeMap<>();
  private final Map<Long, String> firstNames = new TreeMap<>();

  private TreePrint() {}

  public static Map<String, String> of(Dir top) {
    TreePrint print = new TreePrint();
    print.lines.put(".", print.attributes(top.stat(), top.xattrs(), "."));
    print.directory(top, ".");
    return print.lines;
  }

  private void directory(Dir dir, String path) {
    for (String name : dir.names().stream().sorted().toList()) {
      Stat stat = dir.stat(name);
      String at = path + "/" + name;
      String line = attributes(stat, dir.xattrs(name), at);
      if (stat.isSymlink()) {
        line += " -> " + dir.readlink(name);
      } else if (stat.isRegular()) {
        line += " " + content(dir, name);
      }
      lines.put(at, line);
      if (stat.isDirectory()) {
        try (Dir child = dir.dir(name)) {
          directory(child, at);
        }
      }
    }
  }

  private String attributes(Stat stat, Xattrs xattrs, String path) {
    StringBuilder line = new StringBuilder();
    line.append(stat.type()).append(" %04o ".formatted(stat.mode()));
    line.append(stat.uid()).append(':').append(stat.gid());
    line.append(' ').append(stat.major()).append(':').append(stat.minor());
    line.append(' ').append(stat.modified());
    for (String name : xattrs.names().stream().sorted().toList()) {
      // What a driver keeps on its own account is not content.
      if (!name.startsWith("trusted.overlay.")) {
        xattrs
            .get(name)
            .ifPresent(value -> line.append(' ').append(name).append('=').append(value.hashCode()));
      }
    }
    if (!stat.isDirectory()) {
      line.append(" as ").append(firstNames.computeIfAbsent(stat.inode(), inode -> path));
    }
    return line.toString();
  }

  private static String content(Dir dir, String name) {
    CRC32C sum = new CRC32C();
    ByteBuffer buffer = ByteBuffer.allocateDirect(64 << 10);
    try (File file = dir.open(name)) {
      while (file.read(buffer.clear()) >= 0) {
        sum.update(buffer.flip());
      }
      return file.size() + " bytes " + Long.toHexString(sum.getValue());
    }
  }
}
