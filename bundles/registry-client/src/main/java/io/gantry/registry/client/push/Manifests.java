package io.gantry.registry.client.push;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.registry.client.known.KnownBlob;
import io.gantry.registry.client.known.Packing;
import io.gantry.store.Digest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes manifests of images that have none: equal images have equal ones. */
final class Manifests {

  private static final String DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
  private static final String DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
  private static final String DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

  /** A manifest as registries get it. */
  record Written(String mediaType, byte[] json) {
    Digest digest() {
      return Digest.sha256(json);
    }
  }

  private Manifests() {}

  /**
   * Docker's schema 2, or OCI's when a layer is not compressed as Docker knows it.
   *
   * @param config its digest
   * @param layers lowest first
   */
  static Written write(Digest config, long configSize, List<KnownBlob> layers) {
    boolean isDocker = layers.stream().allMatch(layer -> layer.packing() == Packing.GZIP);
    String type = isDocker ? DOCKER : Descriptor.MANIFEST;
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("schemaVersion", 2);
    json.put("mediaType", type);
    String configType = isDocker ? DOCKER_CONFIG : Descriptor.CONFIG;
    json.put("config", Descriptor.json(configType, config, configSize));
    json.put(
        "layers",
        layers.stream()
            .map(
                layer ->
                    Descriptor.json(
                        isDocker ? DOCKER_LAYER : type(layer.packing()),
                        layer.digest(),
                        layer.size()))
            .toList());
    try {
      return new Written(type, Document.JSON.writeValueAsBytes(json));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // maps and texts can always be written
    }
  }

  private static String type(Packing packing) {
    return switch (packing) {
      case PLAIN -> Descriptor.LAYER;
      case GZIP -> Descriptor.LAYER + "+gzip";
      case ZSTD -> Descriptor.LAYER + "+zstd";
    };
  }
}
