package io.gantry.spi.storage;

/**
 * Where the content of a snapshot lies.
 *
 * @param path absolute host path
 * @param whole true: the tree with everything from its parents; false: only what differs, with
 *     {@code whiteouts}
 * @param whiteouts how deletions are spelled; meaningless when whole
 */
public record LayerDir(String path, boolean whole, Whiteouts whiteouts) {

  /** Spelling of "this name of a parent is gone". */
  public enum Whiteouts {
    /** {@code .wh.NAME} files and {@code .wh..wh..opq}, as AUFS and layer tars have them. */
    AUFS_FILES,
    /** Character devices 0:0 and the xattr {@code trusted.overlay.opaque=y}. */
    OVERLAY_DEVICES
  }
}
