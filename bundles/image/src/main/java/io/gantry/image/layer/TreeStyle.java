package io.gantry.image.layer;

/** How the directory of a layer spells what the layer takes away from the one below it. */
public enum TreeStyle {
  /** It does not: the directory is the whole tree, and things are just gone. */
  WHOLE,
  /** {@code .wh.NAME} files and {@code .wh..wh..opq}, as the tar has them. */
  AUFS_FILES,
  /** Character devices 0:0 and the extended attribute {@code trusted.overlay.opaque=y}. */
  OVERLAY_DEVICES
}
