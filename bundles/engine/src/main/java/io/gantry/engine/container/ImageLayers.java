package io.gantry.engine.container;

import io.gantry.api.Images.ImageConfig;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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

  /**
   * An image to be made of a container.
   *
   * @param image the container's, which may be gone
   * @param layer the uppermost one of that image, held by the container; empty for none
   * @param createdBy for its history
   * @param repository name to give it, or empty
   * @param tag or empty for {@code latest}
   */
  record Commit(
      String image,
      String layer,
      ImageConfig config,
      String author,
      String comment,
      String createdBy,
      String repository,
      String tag) {}

  /**
   * A configuration with Dockerfile lines applied to it.
   *
   * @param base null for an empty one
   * @throws io.gantry.spi.GantryException INVALID
   */
  ImageConfig changed(@Nullable ImageConfig base, List<String> changes);

  /**
   * The name as people write it, or empty when none is given.
   *
   * @throws io.gantry.spi.GantryException INVALID for what is none
   */
  String checkName(String repository, String tag);

  /**
   * Makes an image, durably.
   *
   * @param diff tar of the layer to put on top, closed in the end; null for no further layer
   * @return its id
   */
  String commit(Commit commit, @Nullable InputStream diff);
}
