package io.gantry.image.manifest;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** What an image runs on; empty parts are not known, or any. */
public record Platform(String os, String architecture, String variant) {

  public static final Platform ANY = new Platform("", "", "");
  private static final Pattern PART = Pattern.compile("[a-z0-9_.-]{1,32}");
  private static final Map<String, String> ALIASES =
      Map.of("x86_64", "amd64", "x86-64", "amd64", "aarch64", "arm64", "i386", "386");

  /** What processors run besides their own, the better one first. */
  private static final Map<String, List<String>> LESSER =
      Map.of(
          "amd64", List.of("386"),
          "arm64", List.of("arm/v8", "arm/v7", "arm/v6", "arm/v5"),
          "arm/v8", List.of("arm/v7", "arm/v6", "arm/v5"),
          "arm/v7", List.of("arm/v6", "arm/v5"),
          "arm", List.of("arm/v7", "arm/v6", "arm/v5"),
          "arm/v6", List.of("arm/v5"));

  /** This host's. */
  public static Platform host() {
    String name = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    return new Platform("linux", ALIASES.getOrDefault(name, name), "");
  }

  /**
   * @param text {@code os[/architecture[/variant]]}, an architecture alone, or empty for any
   * @throws GantryException INVALID
   */
  public static Platform parse(String text) {
    if (text.isEmpty()) {
      return ANY;
    }
    String[] parts = text.toLowerCase(Locale.ROOT).split("/", -1);
    boolean valid = parts.length <= 3;
    for (String part : parts) {
      valid &= PART.matcher(part).matches();
    }
    if (!valid) {
      throw new GantryException(
          Kind.INVALID, "invalid platform: it has to be os[/architecture[/variant]]");
    }
    if (parts.length == 1) {
      return parts[0].matches("linux|windows|darwin|freebsd")
          ? new Platform(parts[0], "", "")
          : new Platform("linux", architecture(parts[0]), "");
    }
    String architecture = architecture(parts[1]);
    String variant = parts.length < 3 ? "" : parts[2];
    boolean implied = architecture.equals("arm64") && variant.equals("v8"); // images leave it out
    return new Platform(parts[0], architecture, implied ? "" : variant);
  }

  private static String architecture(String name) {
    return ALIASES.getOrDefault(name, name);
  }

  /** Those whose images this one runs, itself first, then the better one before the lesser. */
  public List<Platform> runs() {
    List<Platform> all = new ArrayList<>(List.of(this));
    String processor = architecture + (variant.isEmpty() ? "" : "/" + variant);
    for (String lesser : LESSER.getOrDefault(processor, List.of())) {
      all.add(parse(os + "/" + lesser));
    }
    return all;
  }

  public boolean isKnown() {
    return !os.isEmpty();
  }

  /** Whether an image for {@code other} is one for this. */
  public boolean takes(Platform other) {
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
    return os
        + (architecture.isEmpty() ? "" : "/" + architecture)
        + (variant.isEmpty() ? "" : "/" + variant);
  }
}
