package io.gantry.jmx;

import java.util.List;

/** The images: {@code io.gantry:type=Images}. Emits notifications of the life of images. */
public interface ImagesMXBean {

  int getCount();

  /** Of all images, layers that they share counted once each time. */
  long getBytes();

  /** Newest first. */
  @Needs("view")
  List<ImageInfo> list();

  /** By name or id. */
  @Needs("view")
  ImageInfo info(String ref);

  /**
   * Compares layers, in every storage driver that holds them, and documents with their digests;
   * changes nothing and takes as long as reading all of it.
   *
   * @param ref one image, or empty for all
   */
  @Needs("operate")
  ImageCheckInfo check(String ref);
}
