package io.gantry.rest.http;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Keeps web pages from using an API that is reached over TCP: a browser runs foreign pages on this
 * host, so "loopback only" does not keep them away. A page of another site is told by its Origin. A
 * page that had its own name resolve to this address (DNS rebinding) has no foreign origin, but
 * that name is in Host; clients of ours use an address or a name of this machine.
 */
final class BrowserGuard {

  private static final Pattern ADDRESS =
      Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}|\\[[0-9a-f:.]+(%[0-9a-z]+)?]");

  private final String corsOrigins;

  /**
   * @param corsOrigins what the operator lets pages of use the API: an origin, {@code *}, or empty
   */
  BrowserGuard(String corsOrigins) {
    this.corsOrigins = corsOrigins;
  }

  /** Why a request is refused, or null. */
  @Nullable String refusal(@Nullable String origin, @Nullable String host, boolean anyHost) {
    if (origin != null && !corsOrigins.equals("*") && !corsOrigins.equals(origin)) {
      return "pages of " + origin + " may not use this API (--api-cors-header allows it)";
    }
    if (!anyHost && host != null && !isOurs(host)) {
      return "refusing the name "
          + host
          + " for a loopback address: use 127.0.0.1 or localhost, or TLS";
    }
    return null;
  }

  private static boolean isOurs(String hostAndPort) {
    String host = hostAndPort.replaceFirst(":\\d*$", "").toLowerCase(Locale.ROOT);
    return host.isEmpty()
        || host.equals("localhost")
        || host.endsWith(".localhost")
        || ADDRESS.matcher(host).matches()
        || host.equals(Machine.NAME);
  }

  /** Read when it is first needed. */
  private static final class Machine {
    static final String NAME = name();

    private static String name() {
      try {
        return Files.readString(Path.of("/proc/sys/kernel/hostname"))
            .strip()
            .toLowerCase(Locale.ROOT);
      } catch (IOException e) {
        return "localhost"; // no /proc: then it has no name here
      }
    }
  }
}
