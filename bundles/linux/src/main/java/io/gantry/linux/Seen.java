package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Files as the users of a user namespace see them: numbers are translated on the way in and out.
 *
 * @param raw ids of mounts whose files have the namespace's own numbers
 */
record Seen(UserMaps maps, Set<Long> raw) {

  private static final int CAPABILITY_VERSION_3 = 0x20080522;

  Seen {
    raw = Set.copyOf(raw);
  }

  Stat of(Stat stat) {
    return raw.contains(stat.mount())
        ? stat
        : stat.owned(maps.users().inside(stat.uid()), maps.groups().inside(stat.gid()));
  }

  private static long outside(IdMap map, long id) {
    return map.outside(id)
        .orElseThrow(
            () ->
                new GantryException(
                    Kind.INVALID, "Container ID " + id + " cannot be mapped to a host ID"));
  }

  /**
   * @param in a mount that is not {@link #raw}
   */
  long user(long mount, long uid) {
    return uid < 0 || raw.contains(mount) ? uid : outside(maps.users(), uid);
  }

  long group(long mount, long gid) {
    return gid < 0 || raw.contains(mount) ? gid : outside(maps.groups(), gid);
  }

  /**
   * Makes something as the namespace's root, but with all powers of this process: where a mount is
   * idmapped, nobody else can. Only this thread is changed, and only meanwhile.
   */
  <T> T asRoot(long mount, Supplier<T> work) {
    if (raw.contains(mount)) {
      return work.get();
    }
    try {
      act(maps.users().root(), maps.groups().root());
      return work.get();
    } finally {
      act(0, 0);
    }
  }

  /** Who changes from root to somebody else thereby loses what concerns files. */
  private static void act(long uid, long gid) {
    libc().setfsgid((int) gid);
    libc().setfsuid((int) uid);
    int[] head = {CAPABILITY_VERSION_3, 0};
    int[] sets = new int[6]; // effective, permitted, inheritable, twice
    if (libc().capget(head, sets) < 0) {
      throw failed("capget", "this thread");
    }
    sets[0] = sets[1];
    sets[3] = sets[4];
    if (libc().capset(head, sets) < 0) {
      throw failed("capset", "this thread");
    }
  }
}
