package io.gantry.spi.volume;

import io.gantry.spi.GantryException;
import java.time.Instant;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A volume as its driver knows it.
 *
 * @param path where it is on the host, empty when it is not mounted
 * @param status facts for {@code docker volume inspect}
 * @param options it was made with
 * @param labels it was made with; empty for drivers without the feature {@code labels}
 */
public record Volume(
    String name,
    String path,
    Instant created,
    Map<String, String> status,
    Map<String, String> options,
    Map<String, String> labels) {

  /**
   * Label of what need not survive a power cut, and may be swept when no record names it: anonymous
   * volumes of {@code --rm} containers.
   */
  public static final String EPHEMERAL = "io.gantry.ephemeral";

  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}");

  public Volume {
    status = Map.copyOf(status);
    options = Map.copyOf(options);
    labels = Map.copyOf(labels);
  }

  public Volume(String name, String path, Instant created, Map<String, String> status) {
    this(name, path, created, status, Map.of(), Map.of());
  }

  /**
   * What every verb of a driver does first: a name that passes is one path component.
   *
   * @throws GantryException INVALID
   */
  public static void checkName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new GantryException(
          GantryException.Kind.INVALID, "not a volume name: " + name.replaceAll("[^ -~]", "?"));
    }
  }
}
