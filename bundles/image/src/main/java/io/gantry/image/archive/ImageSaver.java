package io.gantry.image.archive;

import io.gantry.image.Image;
import io.gantry.image.ImageStore;
import io.gantry.image.Reference;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.image.manifest.Platform;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Undo;
import io.gantry.store.Digest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Says what an archive of images will hold, and keeps it from being removed meanwhile. */
public final class ImageSaver {

  private final ImageStore images;
  private final Layers layers;
  private final HeldBlobs blobs;

  public ImageSaver(ImageStore images, Layers layers, HeldBlobs blobs) {
    this.images = images;
    this.layers = layers;
    this.blobs = blobs;
  }

  /**
   * Gets an archive of images ready: to be written once, and closed in any case.
   *
   * @param refs a name without a tag is all tags of its repository, an id goes without names
   * @throws GantryException NOT_FOUND; INTERNAL with Docker's sentence when an image is for another
   *     platform
   */
  public SavedArchive open(List<String> refs, Platform wanted) {
    Map<Image, List<Reference>> chosen = images.select(refs);
    try (var undo = new Undo()) {
      List<Runnable> releases = new ArrayList<>();
      undo.add(() -> releases.forEach(Runnable::run));
      var archive = new SavedArchive(releases);
      for (var entry : chosen.entrySet()) {
        Image image = entry.getKey();
        check(image, wanted);
        add(archive, image, entry.getValue(), releases);
      }
      undo.keep();
      return archive;
    } catch (IOException e) {
      throw StoreFailure.of("save images", e);
    }
  }

  private static void check(Image image, Platform wanted) {
    var config = image.config();
    if (!wanted.takes(new Platform(config.os(), config.architecture(), config.variant()))) {
      throw new GantryException(
          Kind.INTERNAL, "no suitable export target found for platform " + wanted);
    }
  }

  private void add(
      SavedArchive archive, Image image, List<Reference> names, List<Runnable> releases)
      throws IOException {
    Digest top = image.top();
    if (top != null) {
      layers.hold(top);
      releases.add(() -> layers.release(top));
    }
    byte[] config = blobs.read(image.id(), Members.LONGEST_DOCUMENT);
    long seconds = image.config().created() == null ? 0 : image.config().created().getEpochSecond();
    Optional<Document> received = received(image);
    List<Manifests.Blob> named =
        received.isPresent() ? Manifests.layers(received.get()) : plain(image);
    byte[] manifest =
        received.isPresent()
            ? blobs.read(manifestOf(image), Members.LONGEST_DOCUMENT)
            : Manifests.write(image.id(), config.length, named);
    archive.document(image.id(), seconds, config);
    for (int i = 0; i < named.size(); i++) {
      add(archive, named.get(i), image.layers().get(i), seconds, releases);
    }
    String type = received.map(document -> document.text("mediaType")).orElse("");
    archive.image(image, names, manifest, type.isEmpty() ? Descriptor.MANIFEST : type, named);
  }

  private void add(
      SavedArchive archive,
      Manifests.Blob named,
      Digest chain,
      long seconds,
      List<Runnable> releases) {
    boolean isPlain = layers.find(chain).filter(l -> l.diff().equals(named.digest())).isPresent();
    if (isPlain) {
      archive.blob(named, seconds, out -> layers.tar(chain, out));
      return;
    }
    blobs.hold(named.digest());
    releases.add(() -> blobs.release(named.digest()));
    archive.blob(named, seconds, out -> blobs.copy(named.digest(), out));
  }

  /** The manifest an image came with, as long as all that it names can be given back. */
  private Optional<Document> received(Image image) {
    Digest digest = image.manifest();
    if (digest == null || !blobs.has(digest)) {
      return Optional.empty();
    }
    Document manifest =
        Document.parse(blobs.read(digest, Members.LONGEST_DOCUMENT), digest.toString());
    List<Manifests.Blob> named = Manifests.layers(manifest);
    boolean isWhole =
        named.size() == image.layers().size()
            && manifest.object("config").text("digest").equals(image.id().toString());
    for (int i = 0; isWhole && i < named.size(); i++) {
      isWhole = has(image.layers().get(i), named.get(i));
    }
    return isWhole ? Optional.of(manifest) : Optional.empty();
  }

  private boolean has(Digest chain, Manifests.Blob named) {
    Optional<Layer> layer = layers.find(chain);
    return layer.isPresent()
        && named.size() >= 0
        && (layer.get().diff().equals(named.digest())
            || (layer.get().received().contains(named.digest())
                && blobs.has(named.digest())
                && blobs.size(named.digest()) == named.size()));
  }

  private static Digest manifestOf(Image image) {
    return java.util.Objects.requireNonNull(image.manifest());
  }

  private List<Manifests.Blob> plain(Image image) throws IOException {
    List<Manifests.Blob> plain = new ArrayList<>();
    for (int i = 0; i < image.layers().size(); i++) {
      plain.add(
          new Manifests.Blob(
              Descriptor.LAYER,
              image.config().diffs().get(i),
              layers.tarBytes(image.layers().get(i))));
    }
    return plain;
  }
}
