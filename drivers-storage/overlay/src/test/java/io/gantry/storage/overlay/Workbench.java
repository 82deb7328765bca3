package io.gantry.storage.overlay;

import static io.gantry.spi.storage.SnapshotOptions.WRITABLE;

import io.gantry.linux.DetachedMount;
import io.gantry.linux.Dir;
import io.gantry.linux.Mounts;
import io.gantry.spi.Mount;
import io.gantry.spi.storage.StorageDriver;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A driver and what tests do with it. */
final class Workbench {

  final Path root;
  final OverlayDriver driver;

  Workbench(Path root) {
    this.root = root;
    this.driver = driver(root, Duration.ofMinutes(1), () -> {});
    driver.recover(Set.of());
  }

  static OverlayDriver driver(Path root, Duration patience, Runnable step) {
    return new OverlayDriver(root, InstantSource.system(), patience, step);
  }

  /** Somewhere in memory, where syncing costs nothing. */
  static void onTmpfs(Path place, Consumer<Path> body) {
    Mounts.mount(new Mount("tmpfs", "test", "/", List.of("mode=755")), place);
    try {
      body.accept(place);
    } finally {
      Mounts.unmount(place);
    }
  }

  /** Makes a layer as the code of images does: in the directory, not in a mount. */
  void layer(String id, @Nullable String parent, Consumer<Dir> content) {
    String scratch = "making-" + id;
    driver.prepare(scratch, parent, WRITABLE);
    changes(scratch, content);
    driver.commit(scratch, id);
  }

  void changes(String id, Consumer<Dir> action) {
    try (Dir dir = Dir.open(Path.of(driver.layerDir(id).path()))) {
      action.accept(dir);
    }
  }

  <R> R seen(String id, Function<Dir, R> look) {
    return seen(driver, id, look);
  }

  static <R> R seen(StorageDriver driver, String id, Function<Dir, R> look) {
    try (DetachedMount mount = DetachedMount.make(driver.mounts(id).get(0));
        Dir root = mount.root()) {
      return look.apply(root);
    }
  }

  void inside(String id, Consumer<Dir> action) {
    seen(
        id,
        dir -> {
          action.accept(dir);
          return id;
        });
  }

  List<String> names(String id, String... path) {
    return seen(
        id,
        root -> {
          try (Dir dir = root.dir(path.length == 0 ? "." : path[0])) {
            List<String> names = new ArrayList<>(dir.names());
            Collections.sort(names);
            return names;
          }
        });
  }
}
