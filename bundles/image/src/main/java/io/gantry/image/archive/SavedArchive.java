package io.gantry.image.archive;

import io.gantry.image.Image;
import io.gantry.image.Reference;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * An archive of images as {@code docker save} writes it since 25: an OCI layout and a
 * docker-archive in one. What images share is there once; equal images make equal archives.
 */
public final class SavedArchive implements AutoCloseable {

  private record Content(long size, long seconds, TarOut.Content content) {}

  private final List<Runnable> releases;
  private final Map<String, Content> blobs = new TreeMap<>();
  private final List<Map<String, Object>> index = new ArrayList<>();
  private final List<Map<String, Object>> images = new ArrayList<>();
  private final Map<String, Map<String, String>> repositories = new TreeMap<>();
  private final List<Digest> ids = new ArrayList<>();

  SavedArchive(List<Runnable> releases) {
    this.releases = releases;
  }

  /** The images in it. */
  public List<Digest> images() {
    return List.copyOf(ids);
  }

  void document(Digest digest, long seconds, byte[] content) {
    blobs.putIfAbsent(
        path(digest), new Content(content.length, seconds, out -> out.write(content)));
  }

  void blob(Manifests.Blob blob, long seconds, TarOut.Content content) {
    blobs.putIfAbsent(path(blob.digest()), new Content(blob.size(), seconds, content));
  }

  void image(
      Image image,
      List<Reference> names,
      byte[] manifest,
      String manifestType,
      List<Manifests.Blob> layers) {
    ids.add(image.id());
    Digest digest = Digest.sha256(manifest);
    document(digest, 0, manifest);
    if (names.isEmpty()) {
      index.add(Manifests.entry(manifestType, digest, manifest.length, Map.of()));
    }
    for (Reference name : names) {
      var annotations = new LinkedHashMap<String, String>();
      annotations.put(Descriptor.FULL_NAME, name.toString());
      annotations.put(Descriptor.REF_NAME, String.valueOf(name.tag()));
      index.add(Manifests.entry(manifestType, digest, manifest.length, annotations));
      if (!layers.isEmpty()) {
        repositories
            .computeIfAbsent(name.familiarName(), n -> new TreeMap<>())
            .put(String.valueOf(name.tag()), layers.get(layers.size() - 1).digest().hex());
      }
    }
    images.add(described(image, names, layers));
  }

  private static Map<String, Object> described(
      Image image, List<Reference> names, List<Manifests.Blob> layers) {
    var sources = new LinkedHashMap<String, Object>();
    for (int i = 0; i < layers.size(); i++) {
      Manifests.Blob layer = layers.get(i);
      var source = new LinkedHashMap<String, Object>();
      source.put("mediaType", layer.mediaType());
      source.put("size", layer.size());
      source.put("digest", layer.digest().toString());
      sources.put(image.config().diffs().get(i).toString(), source);
    }
    var json = new LinkedHashMap<String, Object>();
    json.put("Config", path(image.id()));
    List<String> tags = names.stream().map(Reference::familiar).toList();
    json.put("RepoTags", tags.isEmpty() ? Document.JSON.nullNode() : tags);
    json.put("Layers", layers.stream().map(layer -> path(layer.digest())).toList());
    json.put("LayerSources", sources);
    return json;
  }

  private static String path(Digest digest) {
    return "blobs/" + digest.algorithm().label() + "/" + digest.hex();
  }

  /**
   * Writes it; once.
   *
   * @throws GantryException INTERNAL when a layer turns out to be damaged; what was written is then
   *     of no use and must not look complete
   */
  public void writeTo(OutputStream out) throws IOException {
    var tar = new TarOut(out);
    tar.directory("blobs/");
    String folder = "";
    for (var blob : blobs.entrySet()) {
      String in = blob.getKey().substring(0, blob.getKey().lastIndexOf('/') + 1);
      if (!in.equals(folder)) {
        tar.directory(in);
        folder = in;
      }
      Content content = blob.getValue();
      tar.file(blob.getKey(), content.seconds(), content.size(), content.content());
    }
    var layout = new LinkedHashMap<String, Object>();
    layout.put("schemaVersion", 2);
    layout.put("mediaType", Descriptor.INDEX);
    layout.put("manifests", index);
    tar.file("index.json", 0, Manifests.json(layout));
    tar.file("manifest.json", 0, Manifests.json(images));
    tar.file("oci-layout", 0, Manifests.json(Map.of("imageLayoutVersion", "1.0.0")));
    if (!repositories.isEmpty()) {
      tar.file("repositories", 0, Manifests.json(repositories));
    }
    tar.end();
  }

  /** Lets go of what it holds. */
  @Override
  public void close() {
    releases.forEach(Runnable::run);
    releases.clear();
  }
}
