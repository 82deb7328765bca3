package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.engine.spec.ContainerMount;
import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.Names;
import io.gantry.linux.Rootfs;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Fills the empty volumes of a new container with what its image has at their targets. The image is
 * looked into by a read-only mount of our own, and every name in it is resolved inside it.
 */
final class CopyUp {
  /** Beyond that it is found out anew. */
  private static final int MOST_KNOWN = 4096;

  private final Workshop shop;

  /** Layer and target where an image has nothing; layers never change. */
  private final Set<String> nothing = ConcurrentHashMap.newKeySet();

  CopyUp(Workshop shop) {
    this.shop = shop;
  }

  void fill(ContainerRecord record) {
    var users = Users.wanted(record.spec(), shop.remapping());
    if (users != null) {
      for (var mount : record.mounts()) {
        if (mount.isVolume()) {
          shop.volumes().give(mount.name(), record.id(), users);
        }
      }
    }
    if (record.layer().isEmpty()) {
      return;
    }
    try (var image = new ImageTree(record)) {
      for (var mount : record.mounts()) {
        if (mount.isVolume() && mount.copy() && !nothing.contains(key(record, mount))) {
          shop.volumes().fill(mount.name(), record.id(), users, () -> image.find(mount));
        }
      }
    }
  }

  private static String key(ContainerRecord record, ContainerMount mount) {
    return record.layer() + mount.target();
  }

  /** Mounted when it is first looked into. */
  private final class ImageTree implements AutoCloseable {
    private final ContainerRecord record;
    private @Nullable Rootfs rootfs;

    ImageTree(ContainerRecord record) {
      this.record = record;
    }

    Optional<Dir> find(ContainerMount mount) {
      try {
        return Optional.of(rootfs().dir(Names.ofText(mount.target())));
      } catch (GantryException e) {
        Errno errno = SyscallError.errno(e);
        if (errno == Errno.ENOTDIR) {
          throw new GantryException(
              INVALID, "cannot mount volume over existing file, file exists " + mount.target(), e);
        }
        if (errno != Errno.ENOENT && errno != Errno.ELOOP) {
          throw e;
        }
        if (nothing.size() < MOST_KNOWN) {
          nothing.add(key(record, mount));
        }
        return Optional.empty();
      }
    }

    private Rootfs rootfs() {
      if (rootfs == null) {
        String layer = shop.images().ensure(record.storageDriver(), record.layer());
        List<Mount> mounts =
            shop.storage().call(record.storageDriver(), driver -> driver.mounts(layer));
        rootfs = Rootfs.ofMounts(mounts, List.of(), true);
      }
      return rootfs;
    }

    @Override
    public void close() {
      if (rootfs != null) {
        rootfs.close();
      }
    }
  }
}
