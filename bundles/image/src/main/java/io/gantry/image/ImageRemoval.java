package io.gantry.image;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What {@code docker rmi} takes away, by Docker's rules and in Docker's order. */
final class ImageRemoval {
  private final boolean force;
  private final boolean prune;
  private final ImageUsers users;
  private final List<Removal> removals;
  private final List<Reference> names = new ArrayList<>();
  private final List<Image> images = new ArrayList<>();
  private Catalog catalog;

  /**
   * @param catalog what there is
   * @param removals gets what goes, as clients are told
   */
  ImageRemoval(
      Catalog catalog, boolean force, boolean prune, ImageUsers users, List<Removal> removals) {
    this.catalog = catalog;
    this.force = force;
    this.prune = prune;
    this.users = users;
    this.removals = removals;
  }

  /** Names that go. */
  List<Reference> names() {
    return names;
  }

  /** Images that go, after their names. */
  List<Image> images() {
    return images;
  }

  /**
   * @throws GantryException CONFLICT when it, or the rest of it, may not go
   */
  void plan(String ref) {
    Catalog.Found found = catalog.resolve(ref);
    Image image = found.image();
    List<Reference> itsNames = catalog.names(image.id());
    if (found.name() != null) {
      if (!force && isSingle(itsNames)) {
        users.of(image.id()).stream()
            .findFirst()
            .ifPresent(
                user -> {
                  throw conflict(
                      "conflict: unable to remove repository reference \"%s\" (must force) -"
                          + " container %s is using its referenced image %s",
                      ref, shortened(user.container()), image.shortId());
                });
      }
      untag(found.name());
      untagLoneDigests(found.name(), image.id());
      if (!catalog.names(image.id()).isEmpty()) {
        return;
      }
      delete(image, force, true);
    } else {
      if (isSingle(itsNames)) {
        conflict(image, !force, false)
            .ifPresent(
                e -> {
                  throw e.failure;
                });
        itsNames.forEach(this::untag);
      }
      delete(image, force, false);
    }
  }

  private void delete(Image image, boolean forced, boolean quiet) {
    Optional<Conflict> conflict = conflict(image, !forced, true);
    if (conflict.isPresent()) {
      boolean isDangling = catalog.names(image.id()).isEmpty();
      if (quiet && (!isDangling || conflict.get().used || catalog.isParent(image.id()))) {
        return; // its name is gone, and that was asked for
      }
      throw conflict.get().failure;
    }
    catalog.names(image.id()).forEach(this::untag);
    catalog = catalog.withoutImage(image.id());
    images.add(image);
    removals.add(Removal.deleted(image.id()));
    Digest parent = image.parent();
    if (prune && parent != null && catalog.names(parent).isEmpty()) {
      delete(catalog.image(parent), false, true);
    }
  }

  private void untag(Reference name) {
    catalog = catalog.withoutName(name);
    names.add(name);
    removals.add(Removal.untagged(name));
  }

  /** Digests of a repository go with its last tag. */
  private void untagLoneDigests(Reference name, Digest image) {
    List<Reference> left =
        catalog.names(image).stream()
            .filter(n -> n.repository().equals(name.repository()))
            .toList();
    if (name.digest() == null && left.stream().allMatch(n -> n.digest() != null)) {
      left.forEach(this::untag);
    }
  }

  private record Conflict(boolean used, GantryException failure) {}

  /**
   * @param soft also what may be forced
   * @param references whether several names count among it
   */
  private Optional<Conflict> conflict(Image image, boolean soft, boolean references) {
    if (catalog.isParent(image.id())) {
      return Optional.of(
          conflict(image, false, "cannot be forced", "image has dependent child images"));
    }
    List<ImageUsers.User> using = users.of(image.id());
    for (ImageUsers.User user : using) {
      if (user.running()) {
        return Optional.of(
            conflict(
                image,
                true,
                "cannot be forced",
                "image is being used by running container " + shortened(user.container())));
      }
    }
    if (soft && references && catalog.names(image.id()).size() > 1) {
      return Optional.of(
          conflict(image, false, "must be forced", "image is referenced in multiple repositories"));
    }
    if (soft && !using.isEmpty()) {
      String container = shortened(using.get(0).container());
      return Optional.of(
          conflict(
              image,
              true,
              "must be forced",
              "image is being used by stopped container " + container));
    }
    return Optional.empty();
  }

  private static Conflict conflict(Image image, boolean used, String force, String reason) {
    return new Conflict(
        used, conflict("conflict: unable to delete %s (%s) - %s", image.shortId(), force, reason));
  }

  private static GantryException conflict(String sentence, Object... parts) {
    return new GantryException(Kind.CONFLICT, sentence.formatted(parts));
  }

  private static String shortened(String id) {
    return id.length() > 12 ? id.substring(0, 12) : id;
  }

  /** One tag at most, and digests of the same repository. */
  private static boolean isSingle(List<Reference> names) {
    Stream<Reference> tags = names.stream().filter(name -> name.digest() == null);
    return names.size() <= 1
        || (tags.count() <= 1 && names.stream().map(Reference::repository).distinct().count() == 1);
  }
}
