package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.image.layer.ArchiveWriter.Owner;
import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.Rootfs;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Looks users up in a container's own files, which are a stranger's. */
final class Accounts {
  private static final int MOST_BYTES = 1 << 20;
  private static final long LARGEST = 0xfffffffeL;

  private Accounts() {}

  /**
   * @param user {@code name|number[:group|number]}
   * @return null for the empty text: nobody was asked for
   * @throws GantryException INVALID for a name that is not there
   */
  static @Nullable Owner find(Rootfs rootfs, String user) {
    if (user.isEmpty()) {
      return null;
    }
    int colon = user.indexOf(':');
    String name = colon < 0 ? user : user.substring(0, colon);
    String group = colon < 0 ? "" : user.substring(colon + 1);
    String passwd = read(rootfs, "passwd");
    boolean numeric = isNumber(name);
    Optional<String[]> entry =
        line(passwd, fields -> fields.length > 3 && fields[numeric ? 2 : 0].equals(name));
    if (entry.isEmpty() && !numeric) {
      throw new GantryException(
          INVALID, "unable to find user " + name + ": no matching entries in passwd file");
    }
    long uid = number(entry.map(fields -> fields[2]).orElse(name));
    long gid = group.isEmpty() ? number(entry.map(fields -> fields[3]).orElse("0")) : 0;
    return new Owner(uid, group.isEmpty() ? gid : group(rootfs, group));
  }

  private static long group(Rootfs rootfs, String group) {
    if (isNumber(group)) {
      return number(group);
    }
    return line(read(rootfs, "group"), fields -> fields.length > 2 && fields[0].equals(group))
        .map(fields -> number(fields[2]))
        .orElseThrow(
            () ->
                new GantryException(
                    INVALID,
                    "unable to find group " + group + ": no matching entries in group file"));
  }

  private static Optional<String[]> line(String file, Predicate<String[]> which) {
    return file.lines().map(line -> line.split(":", -1)).filter(which).findFirst();
  }

  private static boolean isNumber(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private static long number(String text) {
    if (!isNumber(text) || text.length() > 10 || Long.parseLong(text) > LARGEST) {
      throw new GantryException(INVALID, "uids and gids must be in range 0-" + LARGEST);
    }
    return Long.parseLong(text);
  }

  /** A regular file, and no more of it than a file of users has. */
  private static String read(Rootfs rootfs, String name) {
    try (Dir etc = rootfs.dir("etc");
        File file = etc.open(name)) {
      var content = ByteBuffer.allocate((int) Math.min(file.size(), MOST_BYTES));
      while (content.hasRemaining() && file.read(content) > 0) {
        // until it is full
      }
      return new String(content.array(), 0, content.position(), StandardCharsets.UTF_8);
    } catch (GantryException e) {
      if (e.getCause() instanceof SyscallError || e.kind() == INVALID) {
        return ""; // none, or one that cannot be read
      }
      throw e;
    }
  }
}
