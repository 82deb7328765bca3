package io.gantry.image.archive;

import io.gantry.image.ImageConfig;
import io.gantry.image.Reference;
import io.gantry.image.manifest.Document;
import io.gantry.linux.Names;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What {@code docker save} writes since 1.10: {@code manifest.json} names the members. */
final class DockerArchive {

  static final String MANIFEST = "manifest.json";
  static final int MOST_IMAGES = 1000;
  static final int MOST_NAMES = 10_000;
  static final int MOST_LAYERS = 500;

  private DockerArchive() {}

  static List<ArchivedImage> read(Members members) {
    List<ArchivedImage> images = new ArrayList<>();
    for (Document image : members.document(MANIFEST).elements(MOST_IMAGES)) {
      if (image.has("layers") || image.has("manifests")) {
        throw image.malformed("it is two kinds of document at once");
      }
      images.add(read(image, members));
    }
    return OciLayout.withManifests(images, members);
  }

  private static ArchivedImage read(Document image, Members members) {
    String path = image.text("Config");
    byte[] json = members.small(members.get(path), path);
    Bytes kept = members.kept(json);
    ImageConfig config = ImageConfig.parse(json);
    List<ArchivedImage.Source> layers = new ArrayList<>();
    for (String layer : image.texts("Layers", MOST_LAYERS)) {
      layers.add(new ArchivedImage.Source(members.get(layer), ""));
    }
    List<Reference> names = new ArrayList<>();
    for (String tag : image.texts("RepoTags", MOST_NAMES)) {
      names.add(name(tag));
    }
    return new ArchivedImage(kept, config, layers, names, List.of(), Optional.empty());
  }

  static Reference name(String text) {
    Reference name = Reference.parse(text);
    if (name.tag() == null || name.digest() != null) {
      throw new GantryException(
          Kind.INVALID, "invalid tag \"" + Names.printable(Names.ofText(text)) + "\"");
    }
    return Reference.tagged(name.repository().toString(), name.tag());
  }
}
