package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerView.MountPoint;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * {@code -v source:target[:options]} with a source on the host.
 *
 * @param mode the options as written
 */
public record Bind(
    String source, String target, String mode, boolean readOnly, String propagation) {
  private static final Set<String> PROPAGATIONS =
      Set.of("private", "rprivate", "slave", "rslave", "shared", "rshared");
  private static final Set<String> ACCEPTED =
      Set.of("z", "Z", "nocopy", "consistent", "cached", "delegated");

  /**
   * @throws GantryException INVALID for what is no volume specification, UNSUPPORTED for a named
   *     volume
   */
  public static Bind parse(String text) {
    var parts = text.split(":", -1);
    if (parts.length < 2 || parts.length > 3 || parts[0].isEmpty() || parts[1].isEmpty()) {
      throw invalid(text);
    }
    String mode = parts.length == 3 ? parts[2] : "";
    boolean readOnly = false;
    boolean accessSaid = false;
    String propagation = "";
    for (String option : mode.isEmpty() ? List.<String>of() : Arrays.asList(mode.split(",", -1))) {
      if (option.equals("ro") || option.equals("rw")) {
        if (accessSaid) {
          throw new GantryException(INVALID, "invalid mode: " + mode);
        }
        accessSaid = true;
        readOnly = option.equals("ro");
      } else if (PROPAGATIONS.contains(option) && propagation.isEmpty()) {
        propagation = option;
      } else if (!ACCEPTED.contains(option)) {
        throw new GantryException(INVALID, "invalid mode: " + mode);
      }
    }
    if (!parts[1].startsWith("/")) {
      throw new GantryException(
          INVALID,
          "invalid volume specification: '"
              + text
              + "': invalid mount config for type \"bind\":"
              + " invalid mount path: '"
              + parts[1]
              + "' mount path must be absolute");
    }
    String target = Path.of(parts[1]).normalize().toString();
    if (target.equals("/")) {
      throw new GantryException(
          INVALID,
          "invalid volume specification: '"
              + text
              + "': invalid specification: destination can't be '/'");
    }
    if (!parts[0].startsWith("/")) {
      throw Modes.unsupported(
          "named volumes are not supported yet: no volume driver for '" + parts[0] + "'");
    }
    return new Bind(
        Path.of(parts[0]).normalize().toString(),
        target,
        mode,
        readOnly,
        propagation.isEmpty() ? "rprivate" : propagation);
  }

  Mount mount() {
    var options = new ArrayList<String>();
    options.add(propagation);
    if (readOnly) {
      options.add("ro");
    }
    return new Mount("rbind", source, target, options);
  }

  public MountPoint point() {
    return new MountPoint("bind", "", source, target, "", mode, !readOnly, propagation);
  }

  private static GantryException invalid(String text) {
    return new GantryException(INVALID, "invalid volume specification: '" + text + "'");
  }
}
