package io.gantry.auth.token;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.registry.Credentials;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tells credentials apart in a cache that keeps none of them. */
final class Proof {

  private Proof() {}

  /** A digest; empty of nobody's. */
  static String of(@Nullable Credentials credentials) {
    if (credentials == null) {
      return "";
    }
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String part :
          List.of(credentials.username(), credentials.password(), credentials.identityToken())) {
        byte[] bytes = part.getBytes(UTF_8);
        digest.update((bytes.length + ":").getBytes(UTF_8));
        digest.update(bytes);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}
