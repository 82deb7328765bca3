package io.gantry.image.archive;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.gantry.image.layer.Decoder;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.spi.Bytes;
import io.gantry.store.Digest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes OCI manifests: equal images have equal ones. */
final class Manifests {

  /** A layer's blob as a manifest names it. */
  record Blob(String mediaType, Digest digest, long size) {}

  private Manifests() {}

  static byte[] write(Digest config, long configSize, List<Blob> layers) {
    var json = new LinkedHashMap<String, Object>();
    json.put("schemaVersion", 2);
    json.put("mediaType", Descriptor.MANIFEST);
    json.put("config", Descriptor.json(Descriptor.CONFIG, config, configSize));
    json.put(
        "layers",
        layers.stream()
            .map(layer -> Descriptor.json(layer.mediaType(), layer.digest(), layer.size()))
            .toList());
    return json(json);
  }

  /** The JSON of maps, lists and texts, without a space. */
  static byte[] json(Object value) {
    try {
      return Document.JSON.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // maps and texts can always be written
    }
  }

  /** A manifest for layers that came compressed, without one; none when it has no name for that. */
  static Optional<Bytes> ofReceived(ArchivedImage image) {
    List<Digest> diffs = image.config().diffs();
    var blobs = new java.util.ArrayList<Blob>();
    boolean isPlain = true;
    for (int i = 0; i < diffs.size(); i++) {
      Member content = image.layers().get(i).content();
      String packed = content.sha256().equals(diffs.get(i)) ? "" : packed(content);
      if (packed.equals("?")) {
        return Optional.empty();
      }
      isPlain &= packed.isEmpty();
      blobs.add(new Blob(Descriptor.LAYER + packed, content.sha256(), content.size()));
    }
    return isPlain
        ? Optional.empty()
        : Optional.of(Bytes.copyOf(write(image.id(), image.json().length(), blobs)));
  }

  private static String packed(Member content) {
    byte[] head = content.head(4);
    if (head.length == 4 && (head[0] & 0xff) == 0x1f && (head[1] & 0xff) == 0x8b) {
      return "+gzip";
    }
    return Decoder.isZstd(head) ? "+zstd" : "?";
  }

  /** Which blobs a manifest names as its layers, lowest first. */
  static List<Blob> layers(Document manifest) {
    return manifest.list("layers", DockerArchive.MOST_LAYERS).stream()
        .map(Descriptor::of)
        .map(layer -> new Blob(layer.mediaType(), layer.digest(), layer.size()))
        .toList();
  }

  /** {@code index.json}'s form of one image under one name, or under none. */
  static Map<String, Object> entry(
      String mediaType, Digest manifest, long size, Map<String, String> annotations) {
    Map<String, Object> entry = Descriptor.json(mediaType, manifest, size);
    if (!annotations.isEmpty()) {
      entry.put("annotations", annotations);
    }
    return entry;
  }
}
