package io.gantry.image;

import io.gantry.store.Digest;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One image as it is now.
 *
 * @param id digest of its configuration
 * @param tags {@code name:tag} as people write them, sorted
 * @param digests {@code name@digest}, sorted
 * @param parent id of the image it was made from here, or null
 * @param layers chain ids, lowest first
 * @param bytes of all its layers
 * @param tagged when it last got a name
 * @param manifest blob that described it where it came from, or null
 */
public record Image(
    Digest id,
    ImageConfig config,
    List<String> tags,
    List<String> digests,
    @Nullable Digest parent,
    List<Digest> layers,
    long bytes,
    @Nullable Instant tagged,
    @Nullable Digest manifest) {

  public Image {
    tags = List.copyOf(tags);
    digests = List.copyOf(digests);
    layers = List.copyOf(layers);
  }

  /** The layer containers are made on; null when the image has none. */
  public @Nullable Digest top() {
    return layers.isEmpty() ? null : layers.get(layers.size() - 1);
  }

  /** Twelve digits, as lists show it. */
  public String shortId() {
    return id.hex().substring(0, 12);
  }

  boolean isDangling() {
    return tags.isEmpty() && digests.isEmpty();
  }
}
