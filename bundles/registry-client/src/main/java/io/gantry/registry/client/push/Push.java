package io.gantry.registry.client.push;

import io.gantry.api.Transfers.Telling;
import io.gantry.image.Image;
import io.gantry.image.ImageStore;
import io.gantry.image.Reference;
import io.gantry.image.manifest.Platform;
import io.gantry.registry.client.known.KnownBlob;
import io.gantry.registry.client.pull.Meter;
import io.gantry.registry.client.push.Manifests.Written;
import io.gantry.registry.client.v2.Repository;
import io.gantry.registry.client.wire.Session;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A push to one address of a registry: of one tag, or of all that a repository has here. */
public final class Push {

  private final Shipping shipping;
  private final Repository repository;
  private final int most;
  private final Telling telling;
  private final Meter meter;

  /**
   * @param most layers at a time
   */
  public Push(
      Shipping shipping, Session session, Reference name, int most, Telling telling, Meter meter) {
    this.shipping = shipping;
    this.repository = Repository.toPush(session, name.path());
    this.most = most;
    this.telling = telling;
    this.meter = meter;
  }

  /**
   * What is to be pushed, by name.
   *
   * @param name with a tag, or without one for all tags
   * @throws GantryException NOT_FOUND with dockerd's sentences
   */
  public static Map<Reference, Image> images(ImageStore images, Reference name) {
    Map<Reference, Image> tags = new LinkedHashMap<>();
    try {
      images
          .select(List.of(name.familiarName()))
          .forEach((image, names) -> names.forEach(one -> tags.put(one, image)));
    } catch (GantryException e) {
      if (e.kind() != Kind.NOT_FOUND) {
        throw e;
      }
    }
    tags.keySet().removeIf(one -> !one.repository().equals(name.repository()));
    if (tags.isEmpty()) {
      throw new GantryException(
          Kind.NOT_FOUND, "An image does not exist locally with the tag: " + name.familiarName());
    }
    if (name.tag() == null) {
      return tags;
    }
    Image image = tags.get(name);
    if (image == null) {
      throw new GantryException(Kind.NOT_FOUND, "tag does not exist: " + name.familiar());
    }
    return Map.of(name, image);
  }

  /**
   * @param name in full, for the message
   * @throws GantryException NOT_FOUND when the image is for another platform
   */
  public static void check(Reference name, Image image, Platform wanted) {
    var config = image.config();
    var actual = new Platform(config.os(), config.architecture(), config.variant());
    if (!wanted.takes(actual)) {
      throw new GantryException(
          Kind.NOT_FOUND,
          "image with reference %s was found but its platform (%s) does not match the specified platform (%s)"
              .formatted(name, actual, wanted));
    }
  }

  public Repository repository() {
    return repository;
  }

  /** Pushes all of them; each gets the digest that the registry has it under as one more name. */
  public void run(Map<Reference, Image> tags) {
    Map<Digest, KnownBlob> there = new ConcurrentHashMap<>();
    tags.forEach((name, image) -> run(name, image, there));
  }

  private void run(Reference name, Image image, Map<Digest, KnownBlob> there) {
    String tag = String.valueOf(name.tag());
    var push = new ImagePush(shipping, repository, image, telling, meter, there);
    Written manifest = push.run(tag, most);
    Digest digest = manifest.digest();
    shipping
        .intake()
        .images()
        .name(image.id(), new Reference(name.domain(), name.path(), null, digest));
    int size = manifest.json().length;
    telling.says("", "%s: digest: %s size: %d".formatted(tag, digest, size));
    telling.pushed(tag, digest.toString(), size);
  }
}
