package io.gantry.image.layer;

import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.Rootfs;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Directories below one of a container's. Where a link is on the way, the kernel looks the whole
 * path up again, with the container's root for its root.
 */
final class RootfsTree extends LayerTree {

  private final Rootfs rootfs;
  private final String base;

  /**
   * @param base path of {@code directory} in the container, without links
   */
  RootfsTree(Rootfs rootfs, Dir directory, String base) {
    super(directory, path -> {});
    this.rootfs = rootfs;
    this.base = base;
  }

  @Override
  Place followed(String path, boolean make) {
    try {
      return new Place(rootfs.dir(base + "/" + path), path);
    } catch (GantryException e) {
      if (!make || SyscallError.errno(e) != Errno.ENOENT) {
        throw explained(path, e);
      }
    }
    Deque<String> missing = new ArrayDeque<>(List.of(path.split("/")));
    String done = base;
    while (true) {
      String name = missing.pop();
      makeIn(path, done, name);
      done = done + "/" + name;
      if (missing.isEmpty()) {
        return new Place(rootfs.dir(done), path);
      }
    }
  }

  private void makeIn(String path, String parent, String name) {
    try (Dir dir = rootfs.dir(parent)) {
      dir.mkdir(name, 0755);
    } catch (GantryException e) {
      if (SyscallError.errno(e) != Errno.EEXIST) {
        throw explained(path, e);
      } // a directory or a link to one, as the next step shows
    }
  }

  private static GantryException explained(String path, GantryException e) {
    return switch (SyscallError.errno(e)) {
      case ENOTDIR -> BadTar.entry(path, "something on its way is not a directory");
      case ELOOP -> BadTar.entry(path, "too many levels of symbolic links");
      default -> e;
    };
  }
}
