package io.gantry.spi.storage;

import io.gantry.spi.Mount;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@link StorageDriver#prepare} made.
 *
 * @param mounts how to mount the snapshot, in order; the first one's target is {@code /}
 * @param present id of the layer that holds the wanted content already; then nothing was made and
 *     {@code mounts} is empty
 */
public record Prepared(List<Mount> mounts, @Nullable String present) {

  public Prepared {
    mounts = List.copyOf(mounts);
  }

  public Prepared(List<Mount> mounts) {
    this(mounts, null);
  }
}
