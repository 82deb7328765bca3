package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.airlift.compress.zstd.ZstdOutputStream;
import io.gantry.store.Digest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/**
 * An image as registries have it.
 *
 * @param blobs its layers, compressed
 */
record TestImage(byte[] config, List<Layer> blobs) {

  static final String OCI = "application/vnd.oci.image.manifest.v1+json";
  static final String OCI_INDEX = "application/vnd.oci.image.index.v1+json";
  static final String DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
  static final String DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

  /** A compressed tar and its type. */
  record Layer(String type, byte[] blob, Digest diff) {
    Digest digest() {
      return Digest.sha256(blob);
    }

    /** As messages name it. */
    String id() {
      return digest().hex().substring(0, 12);
    }
  }

  /** How layers are compressed. */
  enum Packing {
    PLAIN("application/vnd.oci.image.layer.v1.tar"),
    GZIP("application/vnd.oci.image.layer.v1.tar+gzip"),
    ZSTD("application/vnd.oci.image.layer.v1.tar+zstd");

    private final String type;

    Packing(String type) {
      this.type = type;
    }

    String type() {
      return type;
    }
  }

  static TestImage of(String architecture, Layer... layers) {
    String diffs =
        List.of(layers).stream()
            .map(layer -> "\"" + layer.diff() + "\"")
            .collect(Collectors.joining(","));
    String config =
        "{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{\"Labels\":{\"a\":\"b\"}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}"
            .formatted(architecture, diffs);
    return new TestImage(config.getBytes(UTF_8), List.of(layers));
  }

  /** A layer with one file of random bytes, which do not get smaller. */
  static Layer layer(String file, int size, Packing packing) {
    byte[] tar = tar(file, size);
    return new Layer(packing.type, packed(tar, packing), Digest.sha256(tar));
  }

  static byte[] tar(String file, int size) {
    byte[] content = new byte[size];
    new Random(file.hashCode()).nextBytes(content);
    var tar = new ByteArrayOutputStream();
    try (var out = new TarArchiveOutputStream(tar)) {
      out.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      var entry = new TarArchiveEntry(file);
      entry.setSize(size);
      entry.setModTime(1_700_000_000_000L);
      out.putArchiveEntry(entry);
      out.write(content);
      out.closeArchiveEntry();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return tar.toByteArray();
  }

  private static byte[] packed(byte[] tar, Packing packing) {
    var packed = new ByteArrayOutputStream();
    try (OutputStream out =
        switch (packing) {
          case PLAIN -> packed;
          case GZIP -> new GZIPOutputStream(packed);
          case ZSTD -> new ZstdOutputStream(packed);
        }) {
      out.write(tar);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return packed.toByteArray();
  }

  Digest id() {
    return Digest.sha256(config);
  }

  byte[] manifest(String type) {
    List<String> layers = new ArrayList<>();
    for (Layer layer : blobs) {
      layers.add(descriptor(layer.type(), layer.digest(), layer.blob().length, ""));
    }
    String configType =
        type.equals(DOCKER)
            ? "application/vnd.docker.container.image.v1+json"
            : "application/vnd.oci.image.config.v1+json";
    return "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":%s,\"layers\":[%s]}"
        .formatted(type, descriptor(configType, id(), config.length, ""), String.join(",", layers))
        .getBytes(UTF_8);
  }

  static String descriptor(String type, Digest digest, long size, String more) {
    return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d%s}"
        .formatted(type, digest, size, more);
  }

  static String platform(String architecture, String variant) {
    return ",\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"%s}"
        .formatted(architecture, variant.isEmpty() ? "" : ",\"variant\":\"" + variant + "\"");
  }

  static byte[] index(String type, String... descriptors) {
    return "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s]}"
        .formatted(type, String.join(",", descriptors))
        .getBytes(UTF_8);
  }

  /** Puts it into a registry. */
  Digest in(FakeRegistry registry, String repository, String tag, String type) {
    registry.blob(repository, config);
    blobs.forEach(layer -> registry.blob(repository, layer.blob()));
    return registry.manifest(repository, tag, type, manifest(type));
  }
}
