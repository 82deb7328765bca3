package io.gantry.store;

import io.gantry.spi.GantryException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * A content address; equal digests mean equal bytes. A value of this type is always well formed, so
 * it may become a part of a path or of a URL.
 */
public record Digest(Algorithm algorithm, String hex) implements Comparable<Digest> {

  /** The hash functions known; no other one is ever accepted. */
  public enum Algorithm {
    SHA256("sha256", "SHA-256", 64),
    SHA512("sha512", "SHA-512", 128);

    private final String label;
    private final String jdkName;
    private final int hexLength;
    private final MessageDigest unused;

    Algorithm(String label, String jdkName, int hexLength) {
      this.label = label;
      this.jdkName = jdkName;
      this.hexLength = hexLength;
      this.unused = find(jdkName);
    }

    /** As it stands before the colon. */
    public String label() {
      return label;
    }

    /** A fresh hash; finish it with {@link Digest#of(Algorithm, MessageDigest)}. */
    public MessageDigest hash() {
      try {
        return (MessageDigest) unused.clone(); // to look for a provider takes far longer
      } catch (CloneNotSupportedException e) {
        return find(jdkName);
      }
    }

    private static MessageDigest find(String name) {
      try {
        return MessageDigest.getInstance(name);
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every JDK has " + name, e);
      }
    }
  }

  public Digest {
    if (hex.length() != algorithm.hexLength || !isLowerHex(hex)) {
      throw new GantryException(
          GantryException.Kind.INVALID, "invalid checksum digest format: " + shortened(hex));
    }
  }

  /**
   * Reads {@code sha256:<64 hex>} or {@code sha512:<128 hex>}.
   *
   * @throws GantryException INVALID for anything else
   */
  public static Digest parse(String text) {
    return find(text)
        .orElseThrow(
            () ->
                new GantryException(
                    GantryException.Kind.INVALID,
                    "invalid checksum digest format: " + shortened(text)));
  }

  /** As {@link #parse}, empty when the text is no digest. */
  public static Optional<Digest> find(String text) {
    for (Algorithm algorithm : Algorithm.values()) {
      int colon = algorithm.label.length();
      if (text.length() == colon + 1 + algorithm.hexLength
          && text.startsWith(algorithm.label)
          && text.charAt(colon) == ':'
          && isLowerHex(text.substring(colon + 1))) {
        return Optional.of(new Digest(algorithm, text.substring(colon + 1)));
      }
    }
    return Optional.empty();
  }

  /** SHA-256 of the bytes. */
  public static Digest sha256(byte[] content) {
    MessageDigest hash = Algorithm.SHA256.hash();
    hash.update(content);
    return of(Algorithm.SHA256, hash);
  }

  /** Finishes the hash, which starts anew. */
  public static Digest of(Algorithm algorithm, MessageDigest hash) {
    return new Digest(algorithm, HexFormat.of().formatHex(hash.digest()));
  }

  @Override
  public int compareTo(Digest other) {
    int byAlgorithm = algorithm.compareTo(other.algorithm);
    return byAlgorithm != 0 ? byAlgorithm : hex.compareTo(other.hex);
  }

  /** {@code sha256:…}. */
  @Override
  public String toString() {
    return algorithm.label + ":" + hex;
  }

  private static boolean isLowerHex(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
        return false;
      }
    }
    return true;
  }

  private static String shortened(String text) {
    return text.length() <= 160 ? text : text.substring(0, 160) + "…";
  }
}
