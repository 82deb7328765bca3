package io.gantry.image.layer;

import io.gantry.store.Digest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A layer on everything below it.
 *
 * @param chain what identifies it: digest over its own and all lower diff ids
 * @param diff digest of its tar
 * @param parent chain id of the layer below, null for the lowest
 * @param bytes of the files it holds
 * @param recipe blob from which, with its tree, the tar is made again
 * @param displaced blobs of contents that were in the tar and are not in the tree
 * @param drivers storage drivers that hold its tree, under {@link #treeId}
 */
public record Layer(
    Digest chain,
    Digest diff,
    @Nullable Digest parent,
    long bytes,
    Digest recipe,
    List<Digest> displaced,
    List<String> drivers) {

  public Layer {
    displaced = List.copyOf(displaced);
    drivers = List.copyOf(drivers);
  }

  /** Its id in storage drivers. */
  public String treeId() {
    return treeId(chain);
  }

  static String treeId(Digest chain) {
    return chain.hex();
  }

  Layer in(List<String> otherDrivers) {
    return new Layer(chain, diff, parent, bytes, recipe, displaced, otherDrivers);
  }

  /** The chain id of a layer on top of another, as the OCI image specification defines it. */
  public static Digest chain(@Nullable Digest parent, Digest diff) {
    return parent == null
        ? diff
        : Digest.sha256((parent + " " + diff).getBytes(StandardCharsets.US_ASCII));
  }
}
