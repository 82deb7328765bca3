package io.gantry.image;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of an image: {@code domain/path[:tag][@digest]}, by Docker's grammar. What people type
 * is completed ({@code busybox} is {@code docker.io/library/busybox}) and shown short again.
 */
public record Reference(String domain, String path, @Nullable String tag, @Nullable Digest digest)
    implements Comparable<Reference> {

  private static final String DEFAULT_DOMAIN = "docker.io";
  private static final String LEGACY_DOMAIN = "index.docker.io";
  private static final String OFFICIAL = "library/";
  private static final String DEFAULT_TAG = "latest";
  private static final int LONGEST_NAME = 255;
  private static final int LONGEST = 1024;

  // Possessive quantifiers: hostile names cost linear time.
  private static final Pattern DOMAIN =
      Pattern.compile(
          "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*+"
              + "|\\[[a-fA-F0-9:]++\\])(?::[0-9]++)?");
  private static final Pattern PATH =
      Pattern.compile(
          "[a-z0-9]++(?:(?:\\.|__|_|-++)[a-z0-9]++)*+(?:/[a-z0-9]++(?:(?:\\.|__|_|-++)[a-z0-9]++)*+)*+");
  private static final Pattern TAG = Pattern.compile("\\w[\\w.-]{0,127}");
  private static final Pattern ID = Pattern.compile("[a-f0-9]{64}");

  public Reference {
    if (!DOMAIN.matcher(domain).matches() || !PATH.matcher(path).matches()) {
      throw invalid("invalid reference format");
    }
    if (domain.length() + 1 + path.length() > LONGEST_NAME) {
      throw invalid("repository name must not be more than 255 characters");
    }
    if (tag != null && !TAG.matcher(tag).matches()) {
      throw invalid("invalid tag format");
    }
  }

  /**
   * Reads what a user typed.
   *
   * @throws GantryException INVALID, with Docker's sentences
   */
  public static Reference parse(String text) {
    if (ID.matcher(text).matches()) {
      throw invalid(
          "invalid repository name (" + text + "), cannot specify 64-byte hexadecimal strings");
    }
    if (text.length() > LONGEST) {
      throw invalid("invalid reference format");
    }
    String rest = text;
    Digest digest = null;
    int at = rest.indexOf('@');
    if (at >= 0) {
      digest =
          Digest.find(rest.substring(at + 1))
              .orElseThrow(() -> invalid("invalid reference format"));
      rest = rest.substring(0, at);
    }
    String domain = DEFAULT_DOMAIN;
    int slash = rest.indexOf('/');
    if (slash >= 0 && isDomain(rest.substring(0, slash))) {
      domain = rest.substring(0, slash);
      rest = rest.substring(slash + 1);
      slash = rest.indexOf('/');
    }
    domain = domain.equals(LEGACY_DOMAIN) ? DEFAULT_DOMAIN : domain;
    String tag = null;
    int colon = rest.indexOf(':');
    if (colon >= 0) {
      tag = rest.substring(colon + 1);
      rest = rest.substring(0, colon);
    }
    String path = domain.equals(DEFAULT_DOMAIN) && slash < 0 ? OFFICIAL + rest : rest;
    if (!path.toLowerCase(Locale.ROOT).equals(path)) {
      throw invalid("invalid reference format: repository name (" + path + ") must be lowercase");
    }
    if (tag != null && !TAG.matcher(tag).matches()) {
      throw invalid("invalid reference format");
    }
    return new Reference(domain, path, tag, digest);
  }

  /**
   * A repository and a tag given apart, as in {@code docker tag}.
   *
   * @param tag or empty: then the repository may carry one, else it is {@code latest}
   */
  public static Reference tagged(String repository, String tag) {
    Reference name = parse(repository);
    if (name.digest != null) {
      throw invalid("refusing to create a tag with a digest reference");
    }
    if (name.familiarName().equals("sha256")) {
      throw invalid("refusing to create an ambiguous tag using digest algorithm as name");
    }
    return tag.isEmpty() ? name.withDefaultTag() : new Reference(name.domain, name.path, tag, null);
  }

  private static boolean isDomain(String first) {
    return first.indexOf('.') >= 0
        || first.indexOf(':') >= 0
        || first.equals("localhost")
        || !first.toLowerCase(Locale.ROOT).equals(first);
  }

  /** With {@code latest} when it has neither tag nor digest. */
  public Reference withDefaultTag() {
    return tag == null && digest == null ? new Reference(domain, path, DEFAULT_TAG, null) : this;
  }

  /** Without tag and digest. */
  public Reference repository() {
    return new Reference(domain, path, null, null);
  }

  /** The repository as people write it: {@code busybox}, {@code localhost:5000/x}. */
  public String familiarName() {
    if (!domain.equals(DEFAULT_DOMAIN)) {
      return domain + "/" + path;
    }
    boolean isOfficial = path.startsWith(OFFICIAL) && path.indexOf('/', OFFICIAL.length()) < 0;
    return isOfficial ? path.substring(OFFICIAL.length()) : path;
  }

  /** As people write it: {@code busybox:latest}. */
  public String familiar() {
    return familiarName() + suffix();
  }

  private String suffix() {
    return (tag == null ? "" : ":" + tag) + (digest == null ? "" : "@" + digest);
  }

  /** In full: {@code docker.io/library/busybox:latest}. */
  @Override
  public String toString() {
    return domain + "/" + path + suffix();
  }

  @Override
  public int compareTo(Reference other) {
    return toString().compareTo(other.toString());
  }

  private static GantryException invalid(String message) {
    return new GantryException(Kind.INVALID, message);
  }
}
