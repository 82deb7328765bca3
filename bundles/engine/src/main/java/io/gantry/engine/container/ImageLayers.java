package io.gantry.engine.container;

import io.gantry.api.Images.ImageConfig;
import java.util.Set;

/** What containers need of images. */
public interface ImageLayers {

  /** Reads the records of images and layers; once, before all else. */
  void load();

  /**
   * @param id digest of its configuration
   * @param layer its uppermost layer; empty for an image without any
   * @param bytes of all its layers
   */
  record Base(String id, ImageConfig config, String layer, long bytes) {}

  /**
   * @param ref as the client wrote it, or an id
   * @param platform {@code os[/architecture[/variant]]}, or empty for any
   * @throws io.gantry.spi.GantryException NOT_FOUND ({@code No such image: REF:TAG}), also when it
   *     is for another platform
   */
  Base resolve(String ref, String platform);

  /**
   * Keeps a layer for a container until {@link #release}.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  void hold(String layer);

  /** Lets go of it; the last one takes it along. */
  void release(String layer);

  /** Id of a layer in a storage driver, made there from another one's if need be. */
  String ensure(String storageDriver, String layer);

  /** Ids of the layers that a storage driver should hold. */
  Set<String> expected(String storageDriver);

  /** Removes what crashes left; to be called when every container has taken hold of its layer. */
  void sweep();
}
