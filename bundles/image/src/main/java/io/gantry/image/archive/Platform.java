package io.gantry.image.archive;

import java.util.Locale;
import java.util.Map;

/** What an image runs on; empty parts are not known, or any. */
public record Platform(String os, String architecture, String variant) {

  public static final Platform ANY = new Platform("", "", "");
  private static final Map<String, String> ARCHITECTURES =
      Map.of("x86_64", "amd64", "aarch64", "arm64");

  /** This host's. */
  static Platform host() {
    String name = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    return new Platform("linux", ARCHITECTURES.getOrDefault(name, name), "");
  }

  boolean isKnown() {
    return !os.isEmpty();
  }

  /** Whether an image for {@code other} is one for this. */
  boolean takes(Platform other) {
    return fits(os, other.os)
        && fits(architecture, other.architecture)
        && (fits(variant, other.variant) || impliesVariant(other));
  }

  private static boolean fits(String wanted, String actual) {
    return wanted.isEmpty() || wanted.equals(actual);
  }

  /** Images leave the only variant of arm64 out. */
  private boolean impliesVariant(Platform other) {
    return architecture.equals("arm64") && variant.equals("v8") && other.variant.isEmpty();
  }

  @Override
  public String toString() {
    return os + "/" + architecture + (variant.isEmpty() ? "" : "/" + variant);
  }
}
