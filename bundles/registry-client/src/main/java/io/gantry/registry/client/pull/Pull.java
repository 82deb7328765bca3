package io.gantry.registry.client.pull;

import io.gantry.api.Transfers.Telling;
import io.gantry.image.Image;
import io.gantry.image.ImageStore;
import io.gantry.image.Reference;
import io.gantry.image.manifest.Platform;
import io.gantry.registry.client.v2.Manifest;
import io.gantry.registry.client.v2.Repository;
import io.gantry.registry.client.wire.Session;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/** A pull from one address of a registry: of one reference, or of all tags of a repository. */
public final class Pull {

  private final Workshop workshop;
  private final Repository repository;
  private final Platform wanted;
  private final int most;
  private final Telling telling;
  private final Meter meter;
  private final BiConsumer<Reference, Digest> pulled;
  private final ImageStore images;

  /**
   * @param wanted platform, or {@link Platform#ANY} for this host's
   * @param most blobs at a time
   * @param pulled gets each name and the image that it now has
   */
  public Pull(
      Workshop workshop,
      Session session,
      Reference name,
      Platform wanted,
      int most,
      Telling telling,
      Meter meter,
      BiConsumer<Reference, Digest> pulled) {
    this.workshop = workshop;
    this.repository = new Repository(session, name.path());
    this.wanted = wanted;
    this.most = most;
    this.telling = telling;
    this.meter = meter;
    this.pulled = pulled;
    this.images = workshop.intake().images();
  }

  public Repository repository() {
    return repository;
  }

  /** One reference, with its tag or digest. */
  public void one(Reference name) {
    boolean isNewer = pull(name);
    tellStatus(name.familiar(), isNewer);
    if (wanted.isKnown()) {
      warn(name);
    }
  }

  /** All tags, in the registry's order. */
  public void all(Reference name) {
    boolean isNewer = false;
    for (String tag : repository.tags()) {
      isNewer |= pull(new Reference(name.domain(), name.path(), tag, null));
    }
    tellStatus(name.familiar(), isNewer);
  }

  private void tellStatus(String familiar, boolean isNewer) {
    telling.says(
        "",
        isNewer
            ? "Status: Downloaded newer image for " + familiar
            : "Status: Image is up to date for " + familiar);
  }

  /** A manifest that is no index is taken whatever it is for. */
  private void warn(Reference name) {
    images
        .named(bare(name))
        .flatMap(images::find)
        .map(Pull::platform)
        .filter(actual -> wanted.runs().stream().noneMatch(one -> one.takes(actual)))
        .ifPresent(
            actual ->
                telling.says(
                    "",
                    "WARNING: image with reference %s was found but its platform (%s) does not match the specified platform (%s)"
                        .formatted(name.familiar(), actual, wanted)));
  }

  private static Platform platform(Image image) {
    var config = image.config();
    return new Platform(config.os(), config.architecture(), config.variant());
  }

  /** A digest goes before a tag. */
  private static Reference bare(Reference name) {
    return name.digest() == null
        ? name
        : new Reference(name.domain(), name.path(), null, name.digest());
  }

  /**
   * @return whether the name has another image than before
   */
  private boolean pull(Reference full) {
    Reference name = bare(full);
    Digest digest = name.digest();
    Optional<Digest> known =
        digest == null ? repository.digest(String.valueOf(name.tag())) : Optional.of(digest);
    Optional<Digest> here = known.flatMap(top -> here(name, top));
    if (here.isPresent()) {
      begin(full);
      return end(name, known.orElseThrow(), here.get(), false);
    }
    String reference = known.map(Digest::toString).orElse(String.valueOf(name.tag()));
    Manifest top = repository.manifest(reference, -1);
    begin(full);
    Platform needed = wanted.isKnown() ? wanted : Platform.host();
    Manifest manifest = Choice.of(repository, top, needed);
    if (!manifest.isImage()) {
      throw new GantryException(
          Kind.INVALID,
          "%s is an artifact of type \"%s\" and no image: it can be kept in registries only"
              .formatted(name.familiar(), manifest.artifactType()));
    }
    Optional<Digest> former = images.named(name);
    Reference byDigest = new Reference(name.domain(), name.path(), null, top.digest());
    List<Reference> names = digest == null ? List.of(name, byDigest) : List.of(byDigest);
    Digest id = image(manifest, names);
    return end(name, top.digest(), id, !former.equals(Optional.of(id)));
  }

  /** What a former attempt has left may be damaged: it is gone then, and all comes anew. */
  private Digest image(Manifest manifest, List<Reference> names) {
    try {
      return new ImagePull(workshop, repository, manifest, telling, meter).run(most, names);
    } catch (GantryException e) {
      if (!(e.getCause() instanceof Receiving.DamagedRest)) {
        throw e;
      }
      return new ImagePull(workshop, repository, manifest, telling, meter).run(most, names);
    }
  }

  /** The image of a digest, when it and the name are here already, and for the platform. */
  private Optional<Digest> here(Reference name, Digest top) {
    Platform needed = wanted.isKnown() ? wanted : Platform.host();
    return images
        .named(new Reference(name.domain(), name.path(), null, top))
        .filter(id -> images.named(name).equals(Optional.of(id)))
        .flatMap(images::find)
        .filter(image -> needed.takes(platform(image)))
        .map(Image::id);
  }

  private void begin(Reference name) {
    String id = name.digest() == null ? String.valueOf(name.tag()) : name.familiar();
    telling.says(id, "Pulling from " + name.path());
  }

  private boolean end(Reference name, Digest top, Digest id, boolean isNewer) {
    telling.says("", "Digest: " + top);
    pulled.accept(name, id);
    return isNewer;
  }
}
