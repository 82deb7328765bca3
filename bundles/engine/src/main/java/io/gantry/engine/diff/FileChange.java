package io.gantry.engine.diff;

import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.File;
import io.gantry.linux.Stat;
import io.gantry.linux.SyscallError;
import io.gantry.linux.Xattrs;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;

/**
 * Whether a copy of a file still is one: by what the kernel tells of it, and where that cannot tell
 * by its content. Of that kind is a file that was touched after it had been copied and has the size
 * and the time of the original all the same.
 */
final class FileChange {

  /** From the birth of a copy to the last change of it by the one who copies. */
  private static final Duration COPYING = Duration.ofMillis(10);

  private static final long SLOWEST_BYTES_PER_MILLI = 50_000;
  private static final int SIZE = 128 * 1024;

  private final ByteBuffer mine = ByteBuffer.allocateDirect(SIZE);
  private final ByteBuffer theirs = ByteBuffer.allocateDirect(SIZE);

  /** For files that are no directories. */
  boolean isOne(Dir now, Dir before, String name, Stat stat, Stat old) {
    if (stat.type() != old.type()
        || differ(stat, old)
        || stat.size() != old.size()
        || stat.major() != old.major()
        || stat.minor() != old.minor()
        || !stat.modified().equals(old.modified())) {
      return true;
    }
    if (!wasTouched(stat)) {
      return false;
    }
    if (stat.isSymlink() && !now.readlink(name).equals(before.readlink(name))) {
      return true;
    }
    return !welcome(now.xattrs(name)).equals(welcome(before.xattrs(name)))
        || (stat.isRegular() && contentDiffers(now, before, name));
  }

  /**
   * @param timeIsOurs its time does not count
   */
  boolean isOneOfDirectory(Dir now, Dir before, Stat stat, Stat old, boolean timeIsOurs) {
    return differ(stat, old)
        || !(timeIsOurs || stat.modified().equals(old.modified()))
        || !welcome(now.xattrs()).equals(welcome(before.xattrs()));
  }

  private static boolean differ(Stat stat, Stat old) {
    return stat.mode() != old.mode() || stat.uid() != old.uid() || stat.gid() != old.gid();
  }

  private static boolean wasTouched(Stat stat) {
    Instant born = stat.born();
    if (born == null) {
      return true;
    }
    return stat.changed()
        .isAfter(born.plus(COPYING).plusMillis(stat.size() / SLOWEST_BYTES_PER_MILLI));
  }

  /** What a layer would keep. */
  private static Map<String, Bytes> welcome(Xattrs all) {
    Map<String, Bytes> xattrs = new TreeMap<>();
    for (String name : all.names()) {
      if (!name.startsWith("trusted.") && !name.equals("security.selinux")) {
        all.get(name).ifPresent(value -> xattrs.put(name, value));
      }
    }
    return xattrs;
  }

  private boolean contentDiffers(Dir now, Dir before, String name) {
    try (File file = now.open(name);
        File old = before.open(name)) {
      while (true) {
        boolean more = fill(file, mine);
        fill(old, theirs);
        if (!mine.flip().equals(theirs.flip())) {
          return true;
        }
        if (!more) {
          return false;
        }
      }
    } catch (GantryException e) {
      if (SyscallError.errno(e) == Errno.ENOENT || e.kind() == GantryException.Kind.INVALID) {
        return true; // it is going just now
      }
      throw e;
    }
  }

  /** False at the end of the file. */
  private static boolean fill(File file, ByteBuffer buffer) {
    buffer.clear();
    while (buffer.hasRemaining()) {
      if (file.read(buffer) < 0) {
        return false;
      }
    }
    return true;
  }
}
