package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.engine.volume.VolumeNames;
import io.gantry.spi.GantryException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code -v [source:]target[:options]}: a directory of the host, or a volume by name. */
final class Bind {
  static final Set<String> PROPAGATIONS =
      Set.of("private", "rprivate", "slave", "rslave", "shared", "rshared");

  /** Options by what they are about: one of each. */
  private static final Map<String, String> GROUPS =
      Map.ofEntries(
          Map.entry("ro", "access"),
          Map.entry("rw", "access"),
          Map.entry("z", "label"),
          Map.entry("Z", "label"),
          Map.entry("nocopy", "copy"),
          Map.entry("consistent", "consistency"),
          Map.entry("cached", "consistency"),
          Map.entry("delegated", "consistency"),
          Map.entry("default", "consistency"));

  private Bind() {}

  /**
   * @param driver of volumes; empty: the default one
   * @throws GantryException INVALID, in dockerd's words
   */
  static ContainerMount parse(String text, String driver) {
    var parts = text.split(":", -1);
    boolean lacks = parts[0].isEmpty() || (parts.length > 1 && parts[1].isEmpty());
    if (parts.length > 3 || lacks) {
      throw new GantryException(INVALID, "invalid volume specification: '" + text + "'");
    }
    if (parts.length == 1) {
      return ContainerMount.volume("", driver, target(text, "volume", parts[0]), "", false, true);
    }
    if (parts.length == 2 && isMode(parts[1])) {
      throw new GantryException(INVALID, "invalid volume specification: '" + text + "'");
    }
    String mode = parts.length == 3 ? parts[2] : "";
    if (!isMode(mode)) {
      throw new GantryException(INVALID, "invalid mode: " + mode);
    }
    var options = Set.of(mode.split(",", -1));
    String propagation = options.stream().filter(PROPAGATIONS::contains).findFirst().orElse("");
    boolean host = parts[0].startsWith("/");
    String target = target(text, host ? "bind" : "volume", parts[1]);
    boolean readOnly = options.contains("ro");
    if (host) {
      if (options.contains("nocopy")) {
        throw invalid(text, "bind", "field VolumeOptions must not be specified", null);
      }
      return ContainerMount.bind(Targets.source(parts[0]), target, mode, readOnly, propagation);
    }
    if (!propagation.isEmpty()) {
      throw invalid(text, "volume", "field BindOptions must not be specified", null);
    }
    return ContainerMount.volume(
        VolumeNames.check(parts[0]), driver, target, mode, readOnly, !options.contains("nocopy"));
  }

  private static boolean isMode(String mode) {
    var seen = new HashSet<String>();
    for (String option : mode.isEmpty() ? new String[0] : mode.split(",", -1)) {
      String group = PROPAGATIONS.contains(option) ? "propagation" : GROUPS.get(option);
      if (group == null || !seen.add(group)) {
        return false;
      }
    }
    return true;
  }

  private static String target(String text, String type, String target) {
    try {
      return Targets.check(target);
    } catch (GantryException e) {
      throw invalid(text, type, e.getMessage(), e);
    }
  }

  private static GantryException invalid(
      String text, String type, @Nullable String reason, @Nullable GantryException cause) {
    return new GantryException(
        INVALID,
        "invalid volume specification: '%s': invalid mount config for type \"%s\": %s"
            .formatted(text, type, reason),
        cause);
  }
}
