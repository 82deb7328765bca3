package io.gantry.registry.client.push;

import io.gantry.image.Image;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.registry.client.known.KnownBlob;
import io.gantry.registry.client.known.KnownBlobs;
import io.gantry.registry.client.known.Packing;
import io.gantry.registry.client.v2.Repository;
import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import java.util.List;
import java.util.Optional;

/**
 * The manifest that an image came with, byte for byte. It goes out again when a registry has, or
 * can be sent, all that it names.
 *
 * @param layers lowest first
 */
record OwnManifest(String mediaType, byte[] json, List<Descriptor> layers) {

  static Optional<OwnManifest> of(Image image, HeldBlobs blobs, KnownBlobs known) {
    Digest digest = image.manifest();
    if (digest == null || !blobs.has(digest)) {
      return Optional.empty();
    }
    try {
      byte[] json = blobs.read(digest, Repository.LONGEST_MANIFEST);
      Document document = Document.parse(json, "manifest " + digest);
      List<Descriptor> layers =
          document.list("layers", image.layers().size()).stream().map(Descriptor::of).toList();
      boolean fits =
          layers.size() == image.layers().size()
              && layers.stream().allMatch(layer -> layer.size() >= 0)
              && Descriptor.of(document.object("config")).digest().equals(image.id());
      String type = document.text("mediaType");
      boolean isWorthSending =
          isCompressed(layers) || isFromRegistry(image, digest) || isPlainElsewhere(layers, known);
      return fits && isWorthSending
          ? Optional.of(new OwnManifest(type.isEmpty() ? Descriptor.MANIFEST : type, json, layers))
          : Optional.empty();
    } catch (GantryException e) {
      return Optional.empty(); // whatever it is: the image can do without
    }
  }

  private static boolean isCompressed(List<Descriptor> layers) {
    return layers.stream().noneMatch(layer -> Packing.of(layer.mediaType()) == Packing.PLAIN);
  }

  /** Archives have plain layers that nobody wants to send through a network. */
  private static boolean isFromRegistry(Image image, Digest manifest) {
    return image.digests().stream().anyMatch(name -> name.endsWith("@" + manifest));
  }

  /** One that an index led to has no name of its own. */
  private static boolean isPlainElsewhere(List<Descriptor> layers, KnownBlobs known) {
    return layers.stream()
        .filter(layer -> Packing.of(layer.mediaType()) == Packing.PLAIN)
        .map(Descriptor::digest) // of the tar, too
        .allMatch(tar -> known.of(tar).stream().anyMatch(blob -> blob.digest().equals(tar)));
  }

  /** Whether a repository that has these blobs has all that it names. */
  boolean names(List<KnownBlob> blobs) {
    for (int i = 0; i < layers.size(); i++) {
      if (!layers.get(i).digest().equals(blobs.get(i).digest())) {
        return false;
      }
    }
    return true;
  }
}
