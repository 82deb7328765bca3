package io.gantry.registry.client.v1;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.image.manifest.Document;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.Optional;

/**
 * The document of one image.
 *
 * @param bytes as they came: checksums are over them
 * @param size of its layer in bytes as the registry says it, or -1; nothing relies on it
 * @param checksum that the registry gives, or empty
 */
record ImageJson(ImageId id, Bytes bytes, Document document, long size, String checksum) {

  /**
   * @throws GantryException INVALID for the document of another image
   */
  ImageJson {
    String own = document.text("id");
    if (!own.equals(id.hex())) {
      throw document.malformed("it has the ID \"" + own + "\"");
    }
  }

  Optional<ImageId> parent() {
    String parent = document.text("parent");
    return parent.isEmpty() ? Optional.empty() : Optional.of(new ImageId(parent));
  }

  /** The checksum of this document with a layer as it is sent: of what is to be written into it. */
  MessageDigest payload() {
    MessageDigest hash = Digest.Algorithm.SHA256.hash();
    hash.update(bytes.toArray());
    hash.update("\n".getBytes(UTF_8));
    return hash;
  }

  /** The checksum of this document with a layer. */
  Digest payload(InputStream layer) throws IOException {
    MessageDigest hash = payload();
    byte[] buffer = new byte[1 << 16];
    for (int n; (n = layer.read(buffer)) >= 0; ) {
      if (Thread.interrupted()) {
        throw new GantryException(Kind.CANCELLED, "cancelled");
      }
      hash.update(buffer, 0, n);
    }
    return Digest.of(Digest.Algorithm.SHA256, hash);
  }
}
