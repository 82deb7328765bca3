package io.gantry.registry.client.pull;

import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Platform;
import io.gantry.registry.client.v2.Manifest;
import io.gantry.registry.client.v2.Repository;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Chooses the image for a platform from an index, maybe by way of further indexes. */
final class Choice {

  /** Documents that one choice fetches. */
  private static final int MOST_FETCHES = 50;

  private static final int DEEPEST = 8;

  private final Repository repository;
  private final Map<Digest, Manifest> fetched = new HashMap<>();

  private Choice(Repository repository) {
    this.repository = repository;
  }

  /**
   * The manifest of an image: {@code top} itself, or the best one that it leads to.
   *
   * @throws GantryException NOT_FOUND when it leads to none for the platform
   */
  static Manifest of(Repository repository, Manifest top, Platform wanted) {
    if (!top.isIndex()) {
      return top;
    }
    var choice = new Choice(repository);
    for (Platform one : wanted.runs()) {
      Optional<Manifest> found = choice.find(top, one, 0);
      if (found.isPresent()) {
        return found.get();
      }
    }
    throw new GantryException(
        Kind.NOT_FOUND, "no matching manifest for " + wanted + " in the manifest list entries");
  }

  private Optional<Manifest> find(Manifest index, Platform wanted, int depth) {
    if (depth == DEEPEST) {
      throw new GantryException(Kind.INVALID, "indexes lead to indexes without end");
    }
    for (Descriptor entry : index.manifests()) {
      boolean fits = !entry.platform().isKnown() || wanted.takes(entry.platform());
      if (entry.attests() || !fits || !Manifest.isKnown(entry.mediaType())) {
        continue;
      }
      Manifest manifest = fetch(entry);
      Optional<Manifest> found =
          manifest.isIndex() ? find(manifest, wanted, depth + 1) : Optional.of(manifest);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private Manifest fetch(Descriptor entry) {
    Manifest known = fetched.get(entry.digest());
    if (known != null) {
      return known;
    }
    if (fetched.size() == MOST_FETCHES) {
      throw new GantryException(Kind.INVALID, "an index leads to too many manifests");
    }
    Manifest manifest = repository.manifest(entry.digest().toString(), entry.size());
    if (!manifest.mediaType().equals(entry.mediaType())) {
      throw new GantryException(
          Kind.INVALID,
          "manifest %s is \"%s\", and its index says \"%s\""
              .formatted(entry.digest(), manifest.mediaType(), entry.mediaType()));
    }
    fetched.put(entry.digest(), manifest);
    return manifest;
  }
}
