package io.gantry.engine.container;

import io.gantry.api.ContainerFiles.Change;
import io.gantry.engine.diff.TreeDiff;
import io.gantry.linux.Dir;
import io.gantry.linux.Names;
import io.gantry.linux.Rootfs;
import io.gantry.spi.Mount;
import io.gantry.spi.storage.LayerDir;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What a container changed. Its own tree is read where the storage driver keeps it, whether it runs
 * or not; its image's by a read-only mount of our own.
 */
final class Differing {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Workshop shop;

  Differing(Workshop shop) {
    this.shop = shop;
  }

  List<Change> changes(Container container) {
    try (var use = container.files.read(PATIENCE);
        var reading = new Interruptible();
        Dir tree = Dir.open(Path.of(layer(container).path()))) {
      use.onRevoked(reading::interrupt);
      return compare(container, tree).stream()
          .map(change -> new Change(Names.toText(change.path()), change.kind()))
          .toList();
    }
  }

  /** Where the driver keeps what the container has written. */
  LayerDir layer(Container container) {
    var record = container.record();
    return shop.storage()
        .call(record.storageDriver(), driver -> driver.layerDir(record.snapshot()));
  }

  /**
   * Paths are bytes.
   *
   * @param tree the container's, as the driver keeps it
   */
  List<Change> compare(Container container, Dir tree) {
    var record = container.record();
    boolean sparse = !layer(container).whole();
    if (record.layer().isEmpty()) {
      return TreeDiff.of(tree, null, sparse);
    }
    String parent = shop.images().ensure(record.storageDriver(), record.layer());
    List<Mount> mounts =
        shop.storage().call(record.storageDriver(), driver -> driver.mounts(parent));
    try (Rootfs image = Rootfs.ofMounts(mounts, List.of(), true);
        Dir top = image.top()) {
      return TreeDiff.of(tree, top, sparse);
    }
  }
}
