package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.URI;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A registry that is one of version 1, as an operator says.
 *
 * @param name as references begin with it: {@code HOST[:PORT]}, {@code docker.io}
 * @param base where it is, without a slash at its end; null for the host of its name
 */
public record V1Registry(String name, @Nullable URI base) {

  private static final Set<String> SCHEMES = Set.of("http", "https", "file");

  /**
   * Reads {@code NAME} or {@code NAME=URI}.
   *
   * @throws GantryException INVALID
   */
  public static V1Registry parse(String text) {
    int equals = text.indexOf('=');
    String name = equals < 0 ? text : text.substring(0, equals);
    if (!name.matches("[A-Za-z0-9.-]+(:\\d{1,5})?|\\[[0-9a-fA-F:]+\\](:\\d{1,5})?")) {
      throw invalid(text, "use NAME or NAME=URI");
    }
    if (equals < 0) {
      return new V1Registry(name, null);
    }
    URI base;
    try {
      base = URI.create(text.substring(equals + 1).replaceFirst("(?<!/)/+$", ""));
    } catch (IllegalArgumentException e) {
      throw invalid(text, "that is no URI");
    }
    boolean isFile = "file".equals(base.getScheme());
    if (base.getScheme() == null || !SCHEMES.contains(base.getScheme())) {
      throw invalid(text, "use http, https or file");
    }
    if (base.getRawUserInfo() != null) {
      throw invalid(text, "it names a user");
    }
    if (isFile ? base.isOpaque() || !base.getPath().startsWith("/") : base.getHost() == null) {
      throw invalid(text, isFile ? "use file:///FOLDER" : "it names no host");
    }
    if (base.getQuery() != null || base.getFragment() != null) {
      throw invalid(text, "query or fragment in it");
    }
    return new V1Registry(name, base);
  }

  private static GantryException invalid(String text, String reason) {
    return new GantryException(
        Kind.INVALID,
        "invalid registry of version 1: %s: %s"
            .formatted(reason, text.replaceFirst("//.*@", "//"))); // a password may be there
  }

  /** Whether it is asked by HTTP. */
  public boolean isWeb() {
    return base == null || base.getScheme().startsWith("http");
  }
}
