package io.gantry.engine.container;

import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.storage.LayerDir;
import io.gantry.spi.storage.Prepared;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.SnapshotOptions;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.spi.storage.Usage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Overlays on one tree with busybox in it. By their index the kernel itself refuses (EBUSY) to
 * mount one of them a second time.
 */
class LayeredTrees implements StorageDriver {
  private final Path root;
  private final LinkedTrees lower;

  LayeredTrees(Path root, Path busybox) {
    this.root = root;
    this.lower = new LinkedTrees(root, busybox);
  }

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Prepared prepare(String id, @Nullable String parent, SnapshotOptions options) {
    try {
      if (Files.notExists(root.resolve("lower"))) {
        lower.prepare("lower", null, options);
      }
      Files.createDirectories(root.resolve(id).resolve("upper"));
      Files.createDirectories(root.resolve(id).resolve("work"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Prepared(mounts(id));
  }

  @Override
  public List<Mount> mounts(String id) {
    var options =
        List.of(
            "index=on",
            "lowerdir=" + root.resolve("lower"),
            "upperdir=" + root.resolve(id).resolve("upper"),
            "workdir=" + root.resolve(id).resolve("work"));
    return List.of(new Mount("overlay", "overlay", "/", options));
  }

  @Override
  public void remove(String id) {
    OwnFiles.removeTree(root.resolve(id));
  }

  @Override
  public Usage usage(String id) {
    return new Usage(1, 1);
  }

  @Override
  public LayerDir layerDir(String id) {
    return new LayerDir(
        root.resolve(id).resolve("upper").toString(), false, LayerDir.Whiteouts.OVERLAY_DEVICES);
  }

  @Override
  public void commit(String id, String layer) {
    throw new GantryException(GantryException.Kind.UNSUPPORTED, "no layers here");
  }

  @Override
  public void list(Consumer<Snapshot> sink) {}

  @Override
  public Recovery recover(Set<String> expected) {
    return new Recovery(expected, Set.of());
  }
}
