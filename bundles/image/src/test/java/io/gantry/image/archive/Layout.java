package io.gantry.image.archive;

import io.gantry.image.layer.Tar;
import io.gantry.image.manifest.Descriptor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Builds OCI layouts. */
final class Layout {

  private final Map<String, String> blobs = new LinkedHashMap<>();
  private final List<String> tops = new ArrayList<>();

  /** Adds a blob and gives its descriptor; {@code more} are further fields. */
  String blob(String mediaType, String content, String... more) {
    blobs.put(Host.hex(content), content);
    String fields = more.length == 0 ? "" : "," + String.join(",", more);
    return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d%s}"
        .formatted(mediaType, Host.digest(content), content.length(), fields);
  }

  /** A manifest's text; its blobs are added. */
  String manifest(String config, String... layers) {
    List<String> named = new ArrayList<>();
    for (String layer : layers) {
      named.add(blob(Descriptor.LAYER + "+gzip", layer));
    }
    return "{\"schemaVersion\":2, \"mediaType\":\"%s\",\"config\":%s,\"layers\":[%s],\"x\":1}"
        .formatted(Descriptor.MANIFEST, blob(Descriptor.CONFIG, config), String.join(",", named));
  }

  String index(String... descriptors) {
    return "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s]}"
        .formatted(Descriptor.INDEX, String.join(",", descriptors));
  }

  static String named(String name) {
    return "\"annotations\":{\"%s\":\"%s\"}".formatted(Descriptor.REF_NAME, name);
  }

  static String platform(String architecture) {
    return "\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}".formatted(architecture);
  }

  Layout top(String descriptor) {
    tops.add(descriptor);
    return this;
  }

  /** Takes a blob away again, or changes it. */
  Layout replace(String content, String by) {
    blobs.put(Host.hex(content), by);
    return this;
  }

  Layout without(String content) {
    blobs.remove(Host.hex(content));
    return this;
  }

  Tar tar() {
    Tar tar = new Tar().file("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    tar.file("index.json", index(tops.toArray(String[]::new)));
    blobs.forEach((hex, content) -> tar.file("blobs/sha256/" + hex, content));
    return tar;
  }
}
