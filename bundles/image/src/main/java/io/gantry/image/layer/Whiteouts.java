package io.gantry.image.layer;

import io.gantry.linux.Dir;
import io.gantry.linux.Stat;
import io.gantry.spi.Bytes;
import java.util.Optional;

/** Spells what a layer takes away from those below it as the tree of its driver wants it. */
final class Whiteouts {

  static final String PREFIX = ".wh.";
  static final String META = ".wh..wh.";
  static final String OPAQUE = ".wh..wh..opq";

  private static final Bytes YES = Bytes.copyOf(new byte[] {'y'});

  private final TreeStyle style;

  Whiteouts(TreeStyle style) {
    this.style = style;
  }

  /** Whether trees hold all of the lower layers, too: then what is taken away is just gone. */
  boolean areRemovals() {
    return style == TreeStyle.WHOLE;
  }

  /** Hides a name of the lower layers, which is not there in this one. */
  void make(Dir parent, String gone) {
    switch (style) {
      case WHOLE -> {}
      case AUFS_FILES -> {
        if (!parent.has(PREFIX + gone)) {
          parent.create(PREFIX + gone, 0600).close();
        }
      }
      case OVERLAY_DEVICES -> parent.mknod(gone, Stat.Type.CHARACTER_DEVICE, 0, 0, 0);
    }
  }

  /** Whether this layer has taken away what is to be made now. */
  boolean isWhitedOut(Dir parent, String name, Optional<Stat> present) {
    return switch (style) {
      case WHOLE -> false;
      case AUFS_FILES -> hasWhiteoutFile(parent, name);
      case OVERLAY_DEVICES ->
          present
              .filter(s -> s.type() == Stat.Type.CHARACTER_DEVICE && s.major() == 0)
              .filter(s -> s.minor() == 0)
              .isPresent();
    };
  }

  /** Takes away what would hide a name. */
  void clear(Dir parent, String name) {
    if (style == TreeStyle.AUFS_FILES && hasWhiteoutFile(parent, name)) {
      parent.unlink(PREFIX + name);
    }
  }

  /** Hides everything that lower layers have in a directory. */
  void makeOpaque(Dir dir) {
    switch (style) {
      case WHOLE -> {}
      case AUFS_FILES -> {
        if (!dir.has(OPAQUE)) {
          dir.create(OPAQUE, 0600).close();
        }
      }
      case OVERLAY_DEVICES -> dir.xattrs().set(io.gantry.linux.Whiteouts.OPAQUE, YES);
    }
  }

  private static boolean hasWhiteoutFile(Dir parent, String name) {
    return PREFIX.length() + name.length() <= 255 && parent.has(PREFIX + name);
  }
}
