package io.gantry.image.layer;

import io.gantry.store.Digest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
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
 * @param received blobs that are its tar compressed, as they came; none of them is needed
 */
public record Layer(
    Digest chain,
    Digest diff,
    @Nullable Digest parent,
    long bytes,
    Digest recipe,
    List<Digest> displaced,
    List<String> drivers,
    List<Digest> received) {

  public Layer(
      Digest chain,
      Digest diff,
      @Nullable Digest parent,
      long bytes,
      Digest recipe,
      List<Digest> displaced,
      List<String> drivers) {
    this(chain, diff, parent, bytes, recipe, displaced, drivers, List.of());
  }

  /** Records from before blobs were kept have none of them. */
  public Layer {
    received = List.copyOf(Objects.requireNonNullElse(received, List.of()));
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
    return new Layer(chain, diff, parent, bytes, recipe, displaced, otherDrivers, received);
  }

  Layer keeping(List<Digest> otherBlobs) {
    return new Layer(chain, diff, parent, bytes, recipe, displaced, drivers, otherBlobs);
  }

  /** The chain id of a layer on top of another, as the OCI image specification defines it. */
  public static Digest chain(@Nullable Digest parent, Digest diff) {
    return parent == null
        ? diff
        : Digest.sha256((parent + " " + diff).getBytes(StandardCharsets.US_ASCII));
  }
}
