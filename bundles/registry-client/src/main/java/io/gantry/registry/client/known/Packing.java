package io.gantry.registry.client.known;

/** How a layer's tar is compressed. */
public enum Packing {
  PLAIN,
  GZIP,
  ZSTD;

  /**
   * @param mediaType of a layer, by OCI or Docker
   */
  public static Packing of(String mediaType) {
    if (mediaType.endsWith("zstd")) {
      return ZSTD;
    }
    return mediaType.endsWith("gzip") ? GZIP : PLAIN;
  }
}
