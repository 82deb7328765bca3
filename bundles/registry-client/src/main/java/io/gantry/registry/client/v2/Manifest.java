package io.gantry.registry.client.v2;

import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * A manifest or an index, and never something that could be read as both.
 *
 * @param json as it came: its digest is {@code digest}
 */
public record Manifest(String mediaType, Digest digest, Bytes json, Document document) {

  static final String DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
  static final String DOCKER = "application/vnd.docker.distribution.manifest.v2+json";

  /** What is asked for. */
  static final List<String> TYPES =
      List.of(Descriptor.INDEX, DOCKER_LIST, Descriptor.MANIFEST, DOCKER);

  private static final Set<String> INDEXES = Set.of(Descriptor.INDEX, DOCKER_LIST);
  private static final String SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+";

  /** Types that say nothing: static file servers send them. */
  private static final Set<String> VAGUE =
      Set.of("", "application/json", "text/plain", "application/octet-stream");

  /** The configurations of images. */
  private static final Set<String> IMAGES =
      Set.of(Descriptor.CONFIG, "application/vnd.docker.container.image.v1+json");

  private static final int MOST_DESCRIPTORS = 1000;
  private static final int MOST_LAYERS = 500;

  /**
   * @param header what the registry says that it is
   * @param digest of {@code json}
   * @param name for messages
   * @throws GantryException INVALID for what is none, or might be two things
   */
  static Manifest parse(String header, Digest digest, byte[] json, String name) {
    Document document = Document.parse(json, "manifest of " + name);
    String said = bare(header);
    String own = bare(document.text("mediaType"));
    if (said.startsWith(SCHEMA_1) || own.startsWith(SCHEMA_1) || isSchema1(document)) {
      throw new GantryException(
          Kind.INVALID,
          name
              + " has a manifest of schema 1, which is no longer supported: push it again with a"
              + " newer client");
    }
    String type = VAGUE.contains(said) ? own : said;
    if (type.isEmpty()) {
      type = document.has("manifests") ? Descriptor.INDEX : Descriptor.MANIFEST;
    }
    if (!own.isEmpty() && !own.equals(type)) {
      throw document.malformed(
          "the registry calls it \"%s\" and it calls itself \"%s\"".formatted(type, own));
    }
    if (!TYPES.contains(type)) {
      throw document.malformed("media type \"" + type + "\" is not supported");
    }
    boolean isIndex = INDEXES.contains(type);
    boolean hasOwn = isIndex ? document.has("manifests") : document.has("config");
    boolean hasOther =
        isIndex ? document.has("config") || document.has("layers") : document.has("manifests");
    if (!hasOwn || hasOther) {
      throw document.malformed(
          "it is no " + (isIndex ? "index" : "manifest") + ", or more than one");
    }
    return new Manifest(type, digest, Bytes.copyOf(json), document);
  }

  /** Whether it is the type of an index or of a manifest. */
  public static boolean isKnown(String type) {
    return TYPES.contains(type);
  }

  private static boolean isSchema1(Document document) {
    return document.has("fsLayers");
  }

  private static String bare(String type) {
    return type.replaceFirst(";.*", "").strip().toLowerCase(Locale.ROOT);
  }

  public boolean isIndex() {
    return INDEXES.contains(mediaType);
  }

  /** Of an index: what it leads to. */
  public List<Descriptor> manifests() {
    return document.list("manifests", MOST_DESCRIPTORS).stream().map(Descriptor::of).toList();
  }

  /** Whether it describes an image, and no other thing that registries keep. */
  public boolean isImage() {
    return !isIndex() && IMAGES.contains(config().mediaType());
  }

  /** What it says that it is. */
  public String artifactType() {
    String own = document.text("artifactType");
    return own.isEmpty() ? config().mediaType() : own;
  }

  public Descriptor config() {
    return Descriptor.of(document.object("config"));
  }

  /** Lowest first. */
  public List<Descriptor> layers() {
    return document.list("layers", MOST_LAYERS).stream().map(Descriptor::of).toList();
  }
}
