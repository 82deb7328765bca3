package io.gantry.image.layer;

import io.gantry.image.layer.TarEntry.Type;
import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.File;
import io.gantry.linux.SyscallError;
import io.gantry.linux.Xattrs;
import io.gantry.spi.GantryException;

/**
 * Gives what was made from a tar entry its owner, mode, time and extended attributes. Of the latter
 * only {@code user.*}, file capabilities and ACLs are taken over.
 */
final class Attributes {

  private Attributes() {}

  // Order: chown clears set-id bits and capabilities, anything but utimes changes times.
  static void describe(TarEntry entry, File file) {
    file.chown(entry.uid(), entry.gid());
    addXattrs(entry, file.xattrs());
    file.chmod(entry.mode());
    file.utimes(entry.modified(), entry.modified());
  }

  static void describe(TarEntry entry, Dir parent, String name) {
    parent.chown(name, entry.uid(), entry.gid());
    addXattrs(entry, parent.xattrs(name));
    if (entry.type() != Type.SYMLINK) {
      parent.chmod(name, entry.mode());
    }
    if (entry.type() != Type.DIRECTORY) {
      parent.utimes(name, entry.modified(), entry.modified());
    }
  }

  /** But for the time, which whatever is made in a directory changes. */
  static void describe(TarEntry entry, Dir dir) {
    dir.chown(entry.uid(), entry.gid());
    addXattrs(entry, dir.xattrs());
    dir.chmod(entry.mode());
  }

  private static void addXattrs(TarEntry entry, Xattrs xattrs) {
    entry
        .xattrs()
        .forEach(
            (name, value) -> {
              if (isWelcome(name)) {
                try {
                  xattrs.set(name, value);
                } catch (GantryException e) {
                  // Symbolic links have no user.*, and some file systems no attributes at all;
                  // Docker leaves them out there, too.
                  Errno errno = SyscallError.errno(e);
                  if (errno != Errno.EOPNOTSUPP
                      && !(errno == Errno.EPERM && name.startsWith("user."))) {
                    throw e;
                  }
                }
              }
            });
  }

  static boolean isWelcome(String xattr) {
    return xattr.startsWith("user.")
        || xattr.equals("security.capability")
        || xattr.equals("system.posix_acl_access")
        || xattr.equals("system.posix_acl_default");
  }
}
