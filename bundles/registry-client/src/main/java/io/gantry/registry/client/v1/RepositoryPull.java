package io.gantry.registry.client.v1;

import io.gantry.api.Transfers.Telling;
import io.gantry.image.Reference;
import io.gantry.registry.client.pull.Makings;
import io.gantry.registry.client.pull.Meter;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** A pull from a repository of version 1: of one tag, or of all of them. */
public final class RepositoryPull {

  private final Pulls pulls;
  private final String path;
  private final int most;
  private final Telling telling;
  private final Meter meter;
  private final BiConsumer<Reference, Digest> pulled;

  /** An image that a tag names, and where it was found. */
  private record Tagged(String tag, ImageId id) {}

  /**
   * @param path of the repository: {@code library/busybox}
   * @param most layers at a time
   * @param pulled gets each name and the image that it now has
   */
  public RepositoryPull(
      Pulls pulls,
      String path,
      int most,
      Telling telling,
      Meter meter,
      BiConsumer<Reference, Digest> pulled) {
    this.pulls = pulls;
    this.path = path;
    this.most = most;
    this.telling = telling;
    this.meter = meter;
    this.pulled = pulled;
  }

  /**
   * Pulls by way of an index.
   *
   * @param name with the tag that is wanted, or without one for all
   */
  public void run(Index index, Reference name) {
    if (name.digest() != null) {
      throw new GantryException(
          Kind.INVALID,
          name.familiar() + " cannot be pulled: a registry of version 1 knows no digests");
    }
    Makings.Claim claim = claimed(name);
    try {
      telling.says("", "Pulling repository " + name.familiarName());
      Index.Listing listing = index.images(path);
      if (listing.hasNoChecksums()) {
        telling.says(
            "",
            "WARNING: %s has no checksums: its images cannot be verified, and a push may be under way"
                .formatted(name.familiarName()));
      }
      try {
        pull(name, listing);
      } catch (GantryException e) {
        if (e.kind() != Kind.UNAUTHORIZED) {
          throw e;
        }
        pull(name, index.images(path)); // tokens do not last: with new ones once more
      }
    } finally {
      claim.close();
    }
  }

  /** Waits for a pull of the same; then most of it is here. */
  private Makings.Claim claimed(Reference name) {
    String key = "repo:" + name;
    for (boolean isTold = false; ; isTold = true) {
      Optional<Makings.Claim> claim = pulls.makings().claim(key);
      if (claim.isPresent()) {
        return claim.get();
      }
      if (!isTold) {
        telling.says(
            "",
            "Repository %s already being pulled by another client. Waiting."
                .formatted(name.familiarName()));
      }
      pulls.makings().await(key);
    }
  }

  /** Pulls from files alone: nothing can be verified but what the files themselves say. */
  public void run(Tree tree, Reference name) {
    telling.says("", "Pulling repository " + name.familiarName());
    telling.says(
        "", "WARNING: %s has no index: no trusted checksums".formatted(name.familiarName()));
    pull(name, new Index.Listing(Map.of(), List.of(tree.endpoint())));
  }

  private void pull(Reference name, Index.Listing listing) {
    boolean isNewer = false;
    for (Tagged tagged : wanted(name, listing.endpoints())) {
      isNewer |= pull(name, tagged, listing);
    }
    telling.says(
        "",
        (isNewer ? "Status: Downloaded newer image for " : "Status: Image is up to date for ")
            + name.familiar());
  }

  /** As the first endpoint says that can be asked. */
  private List<Tagged> wanted(Reference name, List<Endpoint> endpoints) {
    GantryException failure = null;
    for (Endpoint endpoint : endpoints) {
      try {
        return wanted(name, new Registry(endpoint, path));
      } catch (GantryException e) {
        if (isFinal(e) || e.kind() == Kind.NOT_FOUND) {
          throw e;
        }
        failure = e;
      }
    }
    throw Objects.requireNonNull(failure);
  }

  private List<Tagged> wanted(Reference name, Registry registry) {
    Optional<Map<String, ImageId>> tags = registry.tags();
    String tag = name.tag();
    if (tag == null) {
      return tags
          .orElseThrow(() -> new GantryException(Kind.NOT_FOUND, "Repository not found: " + path))
          .entrySet()
          .stream()
          .map(entry -> new Tagged(entry.getKey(), entry.getValue()))
          .toList();
    }
    Optional<ImageId> id =
        tags.isPresent()
            ? Optional.ofNullable(tags.get().get(tag))
            : registry.endpoint().isTree() ? registry.tag(tag) : Optional.empty();
    return List.of(
        new Tagged(
            tag,
            id.orElseThrow(
                () ->
                    new GantryException(
                        Kind.NOT_FOUND,
                        "Tag %s not found in repository %s".formatted(tag, name.familiarName())))));
  }

  private static boolean isFinal(GantryException e) {
    return e.kind() == Kind.CANCELLED || e.kind() == Kind.EXHAUSTED || e.kind() == Kind.INTERNAL;
  }

  /** From the first endpoint that has all of it, as it should be. */
  private boolean pull(Reference name, Tagged tagged, Index.Listing listing) {
    String shown = tagged.id().shown();
    String what = "image (%s) from %s".formatted(tagged.tag(), name.familiarName());
    GantryException failure = null;
    for (Endpoint endpoint : listing.endpoints()) {
      telling.says(shown, "Pulling %s, endpoint: %s".formatted(what, endpoint.shown()));
      try {
        return pull(name, tagged, new Registry(endpoint, path), listing.checksums());
      } catch (GantryException e) {
        if (isFinal(e)) {
          throw e;
        }
        telling.says(
            shown,
            "Error pulling %s, endpoint: %s, %s".formatted(what, endpoint.shown(), e.getMessage()));
        failure = e;
      }
    }
    throw Objects.requireNonNull(failure);
  }

  /**
   * @return whether the name has another image than before
   */
  private boolean pull(
      Reference name, Tagged tagged, Registry registry, Map<String, String> checksums) {
    Reference full = new Reference(name.domain(), name.path(), tagged.tag(), null);
    @Nullable Digest former = pulls.intake().images().named(full).orElse(null);
    Digest id =
        new ImagePull(pulls, registry, checksums, telling, meter).run(tagged.id(), full, most);
    pulled.accept(full, id);
    return !id.equals(former);
  }
}
