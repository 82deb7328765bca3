package io.gantry.engine.image;

import io.gantry.api.Leased;
import io.gantry.image.layer.LayerTrees;
import io.gantry.image.layer.TreeStyle;
import io.gantry.linux.OverlayDirs;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.storage.LayerDir;
import io.gantry.spi.storage.SnapshotOptions;
import io.gantry.spi.storage.StorageDriver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Layers in storage drivers, each call under a lease of its own. */
final class DriverTrees implements LayerTrees {
  private final Leased<StorageDriver> drivers;

  DriverTrees(Leased<StorageDriver> drivers) {
    this.drivers = drivers;
  }

  @Override
  public String defaultDriver() {
    return drivers.defaultName();
  }

  @Override
  public List<String> drivers() {
    return drivers.names();
  }

  @Override
  public Place prepare(String driver, String id, @Nullable String parent) {
    return drivers.call(
        driver,
        storage -> {
          var prepared = storage.prepare(id, parent, SnapshotOptions.ephemeral());
          var place = place(storage.layerDir(id));
          return place.style() == TreeStyle.OVERLAY_DEVICES
              ? new Place(place.directory(), place.style(), below(prepared.mounts()))
              : place;
        });
  }

  private static List<Path> below(List<Mount> mounts) {
    try {
      var below = new ArrayList<Path>();
      for (String layer : OverlayDirs.of(mounts.get(0).options()).lower()) {
        below.add(Path.of(layer).toRealPath());
      }
      return below;
    } catch (IOException e) {
      throw new GantryException(Kind.INTERNAL, "a layer has no directory: " + e.getMessage(), e);
    }
  }

  @Override
  public void commit(String driver, String id, String layer) {
    run(driver, storage -> storage.commit(id, layer));
  }

  @Override
  public void remove(String driver, String id) {
    run(driver, storage -> storage.remove(id));
  }

  @Override
  public Place layer(String driver, String layer) {
    return drivers.call(driver, storage -> place(storage.layerDir(layer)));
  }

  private void run(String driver, Consumer<StorageDriver> call) {
    drivers.call(
        driver,
        storage -> {
          call.accept(storage);
          return true;
        });
  }

  private static Place place(LayerDir dir) {
    var style =
        dir.whole()
            ? TreeStyle.WHOLE
            : switch (dir.whiteouts()) {
              case AUFS_FILES -> TreeStyle.AUFS_FILES;
              case OVERLAY_DEVICES -> TreeStyle.OVERLAY_DEVICES;
            };
    return new Place(Path.of(dir.path()), style);
  }
}
