package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * How a container's spool is kept.
 *
 * @param kept false: nothing is written ({@code none})
 * @param maxBytes a file is rotated when it reaches this, 0: never
 * @param maxFiles that are kept, the current one included
 * @param bufferBytes above 0: the container does not wait for the disk; beyond that lines are lost
 */
public record LogOptions(boolean kept, long maxBytes, int maxFiles, long bufferBytes) {
  private static final Set<String> NAMES =
      Set.of(
          "max-size",
          "max-file",
          "compress",
          "labels",
          "labels-regex",
          "env",
          "env-regex",
          "tag",
          "mode",
          "max-buffer-size");
  private static final Pattern SIZE =
      Pattern.compile("([0-9]+(?:\\.[0-9]+)?) ?([kmgtKMGT]?)[iI]?[bB]?");
  private static final long DEFAULT_BUFFER = 1 << 20;

  /**
   * @throws GantryException INVALID for a driver or an option that there is not
   */
  public static LogOptions parse(HostSpec host) {
    Map<String, String> options = host.log().options();
    switch (host.log().driver()) {
      case "none" -> {
        return new LogOptions(false, 0, 1, 0);
      }
      case "", "json-file" -> {}
      default ->
          throw new GantryException(
              INVALID, "logger: no log driver named '" + host.log().driver() + "' is registered");
    }
    for (String name : options.keySet().stream().sorted().toList()) {
      if (!NAMES.contains(name)) {
        throw new GantryException(
            INVALID, "unknown log opt '" + name + "' for json-file log driver");
      }
    }
    boolean buffered = mode(options.getOrDefault("mode", "blocking"));
    if (!buffered && options.containsKey("max-buffer-size")) {
      throw new GantryException(
          INVALID, "logger: max-buffer-size option is only supported with 'mode=non-blocking'");
    }
    long maxBytes =
        options.containsKey("max-size")
            ? bytes("max-size", options.getOrDefault("max-size", ""))
            : 0;
    int maxFiles = files(options.getOrDefault("max-file", "1"));
    if (maxFiles > 1 && maxBytes == 0) {
      throw new GantryException(
          INVALID, "max-file cannot be set without max-size for 'json-file' logging driver");
    }
    return new LogOptions(
        true,
        maxBytes,
        maxFiles,
        !buffered
            ? 0
            : options.containsKey("max-buffer-size")
                ? bytes("max-buffer-size", options.getOrDefault("max-buffer-size", ""))
                : DEFAULT_BUFFER);
  }

  private static boolean mode(String mode) {
    return switch (mode) {
      case "", "blocking" -> false;
      case "non-blocking" -> true;
      default -> throw new GantryException(INVALID, "logger: logging mode not supported: " + mode);
    };
  }

  private static int files(String text) {
    try {
      int files = Integer.parseInt(text);
      if (files >= 1) {
        return files;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new GantryException(INVALID, "max-file cannot be less than 1");
  }

  /** A size as Docker's users write it: {@code 10m}. */
  public static long bytes(String name, String text) {
    var m = SIZE.matcher(text.strip());
    if (m.matches()) {
      long unit = 1L << (10 * "kmgt".indexOf(m.group(2).toLowerCase(Locale.ROOT)) + 10);
      double bytes = Double.parseDouble(m.group(1)) * (m.group(2).isEmpty() ? 1 : unit);
      if (bytes >= 1 && bytes < Long.MAX_VALUE / 2.0) {
        return (long) bytes;
      }
    }
    throw new GantryException(INVALID, "invalid value for " + name + ": '" + text + "'");
  }
}
