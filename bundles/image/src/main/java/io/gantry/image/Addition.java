package io.gantry.image;

import io.gantry.spi.Bytes;
import io.gantry.store.Digest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An image to add whose layers are all here.
 *
 * @param json its configuration, kept byte for byte
 * @param parent id of the image it was made from here, or null
 * @param names to give it, with tag or digest
 * @param manifest that describes it where it came from, kept byte for byte; or null
 */
public record Addition(
    Bytes json, @Nullable Digest parent, List<Reference> names, @Nullable Bytes manifest) {

  public Addition {
    names = List.copyOf(names);
  }
}
