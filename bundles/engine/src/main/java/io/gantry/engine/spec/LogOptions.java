package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a container's spool is kept. Refusals are dockerd's: of names when a container is made, of
 * values when it is started.
 *
 * @param kept false: nothing is written ({@code none})
 * @param readable false: nobody reads it back, it is there to be shipped
 * @param maxBytes a file is rotated when it reaches this, 0: never
 * @param maxFiles that are kept, the current one included
 * @param compress rotated files
 * @param bufferBytes above 0: the container does not wait for the disk; beyond that lines are lost
 * @param options all of them, the configured ones included
 */
public record LogOptions(
    boolean kept,
    boolean readable,
    long maxBytes,
    int maxFiles,
    boolean compress,
    long bufferBytes,
    Map<String, String> options) {
  /** The drivers that are no bundles. */
  public static final String JSON_FILE = "json-file";

  private static final String LOCAL = "local";
  private static final String NONE = "none";

  private static final Set<String> JSON_FILE_NAMES =
      Set.of(
          "max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag");
  private static final Set<String> ROTATION = Set.of("max-size", "max-file", "compress");
  private static final Set<String> OF_ALL =
      Set.of(
          "mode",
          "max-buffer-size",
          "cache-disabled",
          "cache-max-size",
          "cache-max-file",
          "cache-compress");
  private static final long DEFAULT_BUFFER = 1 << 20;
  private static final LogOptions LOCALLY =
      new LogOptions(true, true, 20 << 20, 5, true, 0, Map.of());

  public LogOptions {
    options = Map.copyOf(options);
  }

  /** Whether the log is shipped by a driver, besides being kept. */
  public static boolean isShipped(String driver) {
    return !Set.of("", JSON_FILE, LOCAL, NONE).contains(driver);
  }

  /** Whether clients are told where the log is. */
  public static boolean hasPath(HostSpec host) {
    return Set.of("", JSON_FILE).contains(host.log().driver());
  }

  /**
   * The options that are left to the driver.
   *
   * @throws GantryException INVALID for an option that no log may have, or of another driver
   */
  public static Map<String, String> check(String driver, Map<String, String> options) {
    if (driver.equals(NONE)) {
      return Map.of();
    }
    boolean buffered = isBuffered(options);
    if (options.containsKey("max-buffer-size")) {
      if (!buffered) {
        throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
      }
      explained(
          "error parsing option max-buffer-size: ",
          () -> Sizes.binary(options.getOrDefault("max-buffer-size", "")));
    }
    String disabled = options.getOrDefault("cache-disabled", "");
    if (!disabled.isEmpty() && truth(disabled) == null) {
      throw invalid("invalid value for option cache-disabled: " + disabled);
    }
    var left = new HashMap<>(options);
    left.keySet().removeAll(OF_ALL);
    for (String name : left.keySet().stream().sorted().toList()) {
      if (driver.equals(JSON_FILE) && !JSON_FILE_NAMES.contains(name)) {
        throw invalid("unknown log opt '" + name + "' for json-file log driver");
      }
      if (driver.equals(LOCAL) && !ROTATION.contains(name)) {
        throw invalid("unknown log opt '" + name + "' for log driver local");
      }
    }
    return left;
  }

  private static boolean isBuffered(Map<String, String> options) {
    String mode = options.getOrDefault("mode", "");
    return switch (mode) {
      case "", "blocking" -> false;
      case "non-blocking" -> true;
      default -> throw invalid("logger: logging mode not supported: " + mode);
    };
  }

  /**
   * @param configured options of the configured driver, for what a container with that driver does
   *     not say
   * @param rotation of a json-file log that says nothing of it
   * @throws GantryException INVALID for a value that is none
   */
  public static LogOptions of(
      HostSpec.Log asked,
      String configuredDriver,
      Map<String, String> configured,
      Map<String, String> rotation) {
    String driver = asked.driver().isEmpty() ? configuredDriver : asked.driver();
    if (driver.equals(NONE)) {
      return new LogOptions(false, false, 0, 1, false, 0, Map.of());
    }
    var options =
        driver.equals(configuredDriver) ? merged(asked.options(), configured) : asked.options();
    var kept =
        switch (driver) {
          case JSON_FILE -> jsonFile(merged(options, rotation));
          case LOCAL -> local(options);
          default -> cache(options);
        };
    return new LogOptions(
        true,
        !isShipped(driver)
            || !Boolean.TRUE.equals(truth(options.getOrDefault("cache-disabled", ""))),
        kept.maxBytes(),
        kept.maxFiles(),
        kept.compress(),
        buffer(options),
        options);
  }

  /** A container that says how it is rotated has nothing of that from the configuration. */
  private static Map<String, String> merged(
      Map<String, String> own, Map<String, String> configured) {
    if (own.isEmpty()) {
      return configured;
    }
    var all = new HashMap<>(configured);
    if (own.containsKey("max-size")) {
      all.keySet().removeAll(ROTATION);
    }
    all.putAll(own);
    return all;
  }

  private static LogOptions jsonFile(Map<String, String> options) {
    long maxBytes = 0;
    if (options.containsKey("max-size")) {
      maxBytes = Sizes.decimal(options.getOrDefault("max-size", ""));
      if (maxBytes <= 0) {
        throw invalid("max-size must be a positive number");
      }
    }
    int maxFiles = number(options.getOrDefault("max-file", "1"));
    if (maxFiles < 1) {
      throw invalid("max-file cannot be less than 1");
    }
    boolean compress = flag(options.getOrDefault("compress", "false"));
    if (compress && (maxFiles < 2 || maxBytes == 0)) {
      throw invalid("compress cannot be true when max-file is less than 2 or max-size is not set");
    }
    return new LogOptions(true, true, maxBytes, maxFiles, compress, 0, Map.of());
  }

  private static LogOptions local(Map<String, String> options) {
    long maxBytes = LOCALLY.maxBytes;
    int maxFiles = LOCALLY.maxFiles;
    boolean compress = LOCALLY.compress;
    String size = options.get("max-size");
    if (size != null) {
      maxBytes = explained("invalid value for max-size: " + size + ": ", () -> Sizes.binary(size));
    }
    String files = options.get("max-file");
    if (files != null) {
      maxFiles =
          explained("invalid value for max-file: " + files + ": ", () -> (long) number(files))
              .intValue();
    }
    String packed = options.get("compress");
    if (packed != null) {
      compress =
          explained("error reading compress log option: ", () -> flag(packed) ? 1L : 0L) == 1;
    }
    if (maxFiles < 0) {
      throw invalid("max file count cannot be less than 0");
    }
    if (compress && maxFiles <= 1) {
      throw invalid("compression cannot be enabled when max file count is 1");
    }
    return new LogOptions(true, true, maxBytes, Math.max(1, maxFiles), compress, 0, Map.of());
  }

  /** What is kept of a log that is shipped; as with dockerd a value that is none does not count. */
  private static LogOptions cache(Map<String, String> options) {
    var ours = new HashMap<String, String>();
    for (String name : ROTATION) {
      String value = options.get("cache-" + name);
      if (value != null) {
        ours.put(name, value);
      }
    }
    try {
      return local(ours);
    } catch (GantryException e) {
      return LOCALLY;
    }
  }

  private static long buffer(Map<String, String> options) {
    if (!isBuffered(options)) {
      return 0;
    }
    String size = options.get("max-buffer-size");
    return size == null ? DEFAULT_BUFFER : Math.max(1, Sizes.binary(size));
  }

  private interface Reading {
    Long get();
  }

  private static Long explained(String before, Reading reading) {
    try {
      return reading.get();
    } catch (GantryException e) {
      throw new GantryException(INVALID, before + e.getMessage(), e);
    }
  }

  private static int number(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new GantryException(
          INVALID, "strconv.Atoi: parsing \"" + text + "\": invalid syntax", e);
    }
  }

  private static boolean flag(String text) {
    Boolean truth = truth(text);
    if (truth == null) {
      throw invalid("strconv.ParseBool: parsing \"" + text + "\": invalid syntax");
    }
    return truth;
  }

  /** As Go reads it; null for what is neither. */
  private static @Nullable Boolean truth(String text) {
    return switch (text) {
      case "1", "t", "T", "TRUE", "true", "True" -> true;
      case "0", "f", "F", "FALSE", "false", "False" -> false;
      default -> null;
    };
  }

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }
}
