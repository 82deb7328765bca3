package io.gantry.rest.http;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;

/** A version of the Docker Engine API. */
public record ApiVersion(int major, int minor) implements Comparable<ApiVersion> {

  public static final ApiVersion NEWEST = new ApiVersion(1, 51);
  public static final ApiVersion OLDEST = new ApiVersion(1, 24);

  /**
   * The version a request asks for, when it is in the window.
   *
   * @param text digits and dots
   */
  public static ApiVersion negotiated(String text) {
    ApiVersion version = parse(text);
    if (version.compareTo(NEWEST) > 0) {
      throw new GantryException(
          INVALID,
          "client version " + text + " is too new. Maximum supported API version is " + NEWEST);
    }
    if (version.compareTo(OLDEST) < 0) {
      throw new TooOld(
          "client version "
              + text
              + " is too old. Minimum supported API version is "
              + OLDEST
              + ", please upgrade your client to a newer version");
    }
    return version;
  }

  public boolean atLeast(int minorVersion) {
    return major > 1 || minor >= minorVersion;
  }

  public boolean below(int minorVersion) {
    return !atLeast(minorVersion);
  }

  @Override
  public int compareTo(ApiVersion other) {
    return major != other.major
        ? Integer.compare(major, other.major)
        : Integer.compare(minor, other.minor);
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }

  private static ApiVersion parse(String text) {
    String[] parts = text.split("\\.", -1);
    return new ApiVersion(part(parts, 0), part(parts, 1));
  }

  private static int part(String[] parts, int index) {
    if (parts.length <= index || parts[index].isEmpty()) {
      return 0;
    }
    try {
      return Integer.parseInt(parts[index]);
    } catch (NumberFormatException e) {
      return Integer.MAX_VALUE; // only digits come here: too many of them
    }
  }

  /** Too old for JSON errors: the sentence goes out as plain text. */
  static final class TooOld extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooOld(String message) {
      super(message);
    }

    String sentence() {
      return String.valueOf(getMessage());
    }
  }
}
