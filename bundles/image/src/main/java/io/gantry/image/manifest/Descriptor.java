package io.gantry.image.manifest;

import io.gantry.store.Digest;
import java.util.Map;

/**
 * How a document names a blob.
 *
 * @param size of the blob, -1 when it does not say
 * @param name full one for the image, or empty
 */
public record Descriptor(
    String mediaType, Digest digest, long size, String name, Platform platform, boolean attests) {

  public static final String INDEX = "application/vnd.oci.image.index.v1+json";
  public static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
  public static final String CONFIG = "application/vnd.oci.image.config.v1+json";
  public static final String LAYER = "application/vnd.oci.image.layer.v1.tar";

  public static final String FULL_NAME = "io.containerd.image.name";
  public static final String REF_NAME = "org.opencontainers.image.ref.name";
  private static final String ATTESTATION = "vnd.docker.reference.type";

  public static Descriptor of(Document json) {
    Document annotations = json.object("annotations");
    Document platform = json.object("platform");
    String name = annotations.text(FULL_NAME);
    return new Descriptor(
        json.text("mediaType"),
        json.digest("digest"),
        json.size("size"),
        name.isEmpty() ? annotations.text(REF_NAME) : name,
        new Platform(platform.text("os"), platform.text("architecture"), platform.text("variant")),
        annotations.has(ATTESTATION));
  }

  /** Fields of a descriptor as documents have them, in order. */
  public static Map<String, Object> json(String mediaType, Digest digest, long size) {
    var json = new java.util.LinkedHashMap<String, Object>();
    json.put("mediaType", mediaType);
    json.put("digest", digest.toString());
    json.put("size", size);
    return json;
  }
}
