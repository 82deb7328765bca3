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

/** Snapshots that all start as the same small tree with busybox in it. */
final class LinkedTrees implements StorageDriver {
  private final Path root;
  private final Path busybox;

  LinkedTrees(Path root, Path busybox) {
    this.root = root;
    this.busybox = busybox;
  }

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Prepared prepare(String id, @Nullable String parent, SnapshotOptions options) {
    try {
      var tree = root.resolve(id);
      for (String dir : List.of("bin", "etc", "proc", "sys", "dev", "tmp", "root", "home")) {
        Files.createDirectories(tree.resolve(dir));
      }
      Files.copy(busybox, tree.resolve("bin/busybox"));
      var applets = new ProcessBuilder(busybox.toString(), "--list").start();
      String names = new String(applets.getInputStream().readAllBytes());
      for (String applet : names.split("\n")) {
        if (!applet.equals("busybox")) {
          Files.createSymbolicLink(tree.resolve("bin").resolve(applet), Path.of("busybox"));
        }
      }
      Files.writeString(
          tree.resolve("etc/passwd"),
          "root:x:0:0:root:/root:/bin/sh\nacc:x:1234:1234:acc:/home:/bin/sh\n");
      Files.writeString(tree.resolve("etc/group"), "root:x:0:\nacc:x:1234:\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Prepared(mounts(id));
  }

  @Override
  public List<Mount> mounts(String id) {
    return List.of(Mount.bind(root.resolve(id).toString(), "/"));
  }

  /** A file of this name beside the trees, and none can be removed. */
  static final String REFUSE = "refuse";

  @Override
  public void remove(String id) {
    if (Files.exists(root.resolve(REFUSE))) {
      throw new GantryException(GantryException.Kind.UNAVAILABLE, "not now");
    }
    OwnFiles.removeTree(root.resolve(id));
  }

  @Override
  public Usage usage(String id) {
    return new Usage(1, 1);
  }

  @Override
  public LayerDir layerDir(String id) {
    return new LayerDir(root.resolve(id).toString(), true, LayerDir.Whiteouts.AUFS_FILES);
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
