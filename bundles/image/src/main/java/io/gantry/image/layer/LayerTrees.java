package io.gantry.image.layer;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where trees of layers are kept: what image needs of storage drivers. The engine implements it by
 * leases, so no call here runs long; writing into a directory needs no lease.
 */
public interface LayerTrees {

  /** The driver for new layers. */
  String defaultDriver();

  /** Drivers that serve now. */
  List<String> drivers();

  /** Makes a snapshot that is swept when nobody commits it, and tells where to fill it. */
  Place prepare(String driver, String id, @Nullable String parent);

  /**
   * Turns the snapshot into a layer, durably.
   *
   * @throws io.gantry.spi.GantryException CONFLICT when the layer exists
   */
  void commit(String driver, String id, String layer);

  /**
   * Removes a snapshot or a layer; does nothing when there is none.
   *
   * @throws io.gantry.spi.GantryException CONFLICT when something builds on it
   */
  void remove(String driver, String id);

  /** Where the tree of a layer lies. */
  Place layer(String driver, String layer);

  /**
   * @param directory nobody has it mounted
   * @param below directories of the layers below, topmost first, spelled as overlay wants them;
   *     empty when the tree holds them, too, or they are not known
   */
  record Place(Path directory, TreeStyle style, List<Path> below) {

    public Place {
      below = List.copyOf(below);
    }

    public Place(Path directory, TreeStyle style) {
      this(directory, style, List.of());
    }
  }
}
