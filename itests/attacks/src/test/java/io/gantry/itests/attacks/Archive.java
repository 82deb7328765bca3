package io.gantry.itests.attacks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** A docker-archive of one image that is sound but for what its maker puts in. */
final class Archive {

  private Archive() {}

  /** Layers from the lowest up. */
  static byte[] of(String tag, byte[]... layers) {
    var digests = new ArrayList<String>();
    for (byte[] layer : layers) {
      digests.add("\"sha256:" + sha256(layer) + "\"");
    }
    return of(tag, config("{}", String.join(",", digests)), layers);
  }

  static String config(String config, String digests) {
    return "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":"
        + config
        + ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
        + digests
        + "]}}";
  }

  static byte[] of(String tag, String config, byte[]... layers) {
    var tar = new Tar();
    var names = new ArrayList<String>();
    for (int i = 0; i < layers.length; i++) {
      names.add("layer" + i + ".tar");
      tar.file(names.get(i), layers[i]);
    }
    String file = sha256(config.getBytes(UTF_8)) + ".json";
    tar.file(file, config);
    var manifest = Map.of("Config", file, "RepoTags", List.of(tag), "Layers", names);
    return tar.file("manifest.json", Api.json(List.of(manifest))).end();
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
