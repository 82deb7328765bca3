package io.gantry.image.archive;

import io.gantry.image.ImageConfig;
import io.gantry.image.Reference;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.image.manifest.Platform;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An OCI image layout: {@code index.json} leads to manifests, maybe by way of further indexes.
 * Every blob has the digest and the size it is named with. Indexes are walked with a budget of
 * steps.
 */
final class OciLayout {

  static final String INDEX = "index.json";
  private static final int MOST_DESCRIPTORS = 1000;
  private static final int MAX_STEPS = 2000;

  private final Members members;
  private int steps;

  private OciLayout(Members members) {
    this.members = members;
  }

  /** The images of a layout; of each name that one which suits the platform. */
  static List<ArchivedImage> read(Members members, Platform wanted) {
    return new OciLayout(members).images(wanted);
  }

  private List<ArchivedImage> images(Platform wanted) {
    Map<String, List<Descriptor>> byName = new LinkedHashMap<>();
    for (Descriptor top : descriptors(members.document(INDEX))) {
      byName.computeIfAbsent(top.name(), name -> new ArrayList<>()).add(top);
    }
    Map<Digest, ArchivedImage> images = new LinkedHashMap<>();
    byName.forEach(
        (name, tops) -> {
          // Without a name each is an image of its own.
          List<List<Descriptor>> groups =
              name.isEmpty() ? tops.stream().map(List::of).toList() : List.of(tops);
          for (List<Descriptor> group : groups) {
            choose(group, wanted)
                .ifPresent(
                    chosen -> images.merge(chosen.id(), named(chosen, name, group), this::both));
          }
        });
    if (images.isEmpty()) {
      throw new GantryException(
          Kind.NOT_FOUND, "no image for platform " + shown(wanted) + " in the archive");
    }
    return List.copyOf(images.values());
  }

  private static Platform shown(Platform wanted) {
    return wanted.isKnown() ? wanted : Platform.host();
  }

  private ArchivedImage both(ArchivedImage one, ArchivedImage other) {
    List<Reference> names = new ArrayList<>(one.names());
    List<Reference> digests = new ArrayList<>(one.digests());
    names.addAll(other.names());
    digests.addAll(other.digests());
    return new ArchivedImage(
        one.json(), one.config(), one.layers(), names, digests, one.manifest());
  }

  /** What a stranger put for a name is a name when it reads as one. */
  private static ArchivedImage named(ArchivedImage image, String name, List<Descriptor> group) {
    if (name.indexOf(':') < 0 && name.indexOf('/') < 0) {
      return image; // none, or a tag of nobody knows what
    }
    Reference full;
    try {
      full = Reference.parse(name).withDefaultTag();
    } catch (GantryException e) {
      return image;
    }
    List<Reference> names =
        full.tag() == null
            ? List.of()
            : List.of(Reference.tagged(full.repository().toString(), full.tag()));
    Reference digest = new Reference(full.domain(), full.path(), null, group.get(0).digest());
    return new ArchivedImage(
        image.json(), image.config(), image.layers(), names, List.of(digest), image.manifest());
  }

  /** A manifest that was found, and for what it is. */
  private record Candidate(Document manifest, Descriptor descriptor) {}

  private Optional<ArchivedImage> choose(List<Descriptor> group, Platform wanted) {
    List<Candidate> found = manifests(group);
    Platform host = Platform.host();
    if (!wanted.isKnown() && found.size() == 1) {
      return Optional.of(image(found.get(0).manifest()));
    }
    Platform needed = wanted.isKnown() ? wanted : host;
    for (Candidate candidate : found) {
      Platform named = candidate.descriptor().platform();
      if (named.isKnown() && !needed.takes(named)) {
        continue;
      }
      ArchivedImage image = image(candidate.manifest());
      ImageConfig config = image.config();
      if (needed.takes(new Platform(config.os(), config.architecture(), config.variant()))) {
        return Optional.of(image);
      }
    }
    return Optional.empty();
  }

  /** All image manifests that some descriptors lead to. */
  private List<Candidate> manifests(List<Descriptor> tops) {
    List<Candidate> found = new ArrayList<>();
    Set<Digest> seen = new HashSet<>();
    Deque<Descriptor> todo = new ArrayDeque<>(tops);
    while (!todo.isEmpty()) {
      Descriptor next = todo.poll();
      if (++steps > MAX_STEPS) {
        throw Members.invalid("the indexes of the archive lead to too many manifests");
      }
      if (next.attests() || !seen.add(next.digest())) {
        continue;
      }
      Document document = members.document(next);
      boolean isIndex = document.has("manifests");
      if (isIndex && (document.has("layers") || document.has("config"))) {
        throw document.malformed("it is manifest and index at once");
      }
      if (isIndex) {
        todo.addAll(descriptors(document));
      } else if (isImage(document)) {
        found.add(new Candidate(document, next));
      }
    }
    return found;
  }

  private static List<Descriptor> descriptors(Document index) {
    if (index.has("layers") || index.has("config")) {
      throw index.malformed("it is manifest and index at once");
    }
    return index.list("manifests", MOST_DESCRIPTORS).stream().map(Descriptor::of).toList();
  }

  private static boolean isImage(Document manifest) {
    String type = manifest.object("config").text("mediaType");
    return type.equals(Descriptor.CONFIG)
        || type.equals("application/vnd.docker.container.image.v1+json");
  }

  private ArchivedImage image(Document manifest) {
    Member json = members.blob(Descriptor.of(manifest.object("config")));
    byte[] config = members.small(json, "config of " + manifest.name());
    List<ArchivedImage.Source> layers = new ArrayList<>();
    for (Document layer : manifest.list("layers", DockerArchive.MOST_LAYERS)) {
      Descriptor descriptor = Descriptor.of(layer);
      if (descriptor.mediaType().contains("encrypted")) {
        throw Members.invalid("layer " + descriptor.digest() + " is encrypted");
      }
      layers.add(new ArchivedImage.Source(members.blob(descriptor), descriptor.mediaType()));
    }
    byte[] bytes = members.blob(Digest.parse(manifest.name())).bytes();
    return new ArchivedImage(
        members.kept(config),
        ImageConfig.parse(config),
        layers,
        List.of(),
        List.of(),
        Optional.of(members.kept(bytes)));
  }

  /**
   * An archive may be both: then images get the manifests that describe them with the same layers.
   * It is a docker-archive all the same, so nothing here makes it fail.
   */
  static List<ArchivedImage> withManifests(List<ArchivedImage> images, Members members) {
    if (!members.has(INDEX)) {
      return images;
    }
    Map<Digest, ArchivedImage> described = new HashMap<>();
    try {
      OciLayout layout = new OciLayout(members);
      for (Candidate candidate : layout.manifests(descriptors(members.document(INDEX)))) {
        ArchivedImage image = layout.image(candidate.manifest());
        described.putIfAbsent(image.id(), image);
      }
    } catch (GantryException e) {
      return images;
    }
    return images.stream().map(image -> withManifest(image, described.get(image.id()))).toList();
  }

  private static ArchivedImage withManifest(
      ArchivedImage image, @org.jspecify.annotations.Nullable ArchivedImage described) {
    if (described == null || !digests(image).equals(digests(described))) {
      return image;
    }
    return new ArchivedImage(
        image.json(),
        image.config(),
        described.layers(),
        image.names(),
        image.digests(),
        described.manifest());
  }

  private static List<Digest> digests(ArchivedImage image) {
    return image.layers().stream().map(layer -> layer.content().sha256()).toList();
  }
}
