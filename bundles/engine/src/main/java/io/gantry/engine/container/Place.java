package io.gantry.engine.container;

import java.nio.file.Path;
import java.util.Objects;
import org.osgi.framework.BundleContext;

/**
 * Where an engine keeps things.
 *
 * @param instance 8 hex
 * @param dataRoot what survives a reboot
 * @param execRoot what does not; a tmpfs
 */
public record Place(String instance, Path dataRoot, Path execRoot) {

  /** As the launcher says. */
  static Place of(BundleContext context) {
    return new Place(
        property(context, "gantry.instance"),
        Path.of(property(context, "gantry.data.root")),
        Path.of(property(context, "gantry.exec.root")));
  }

  /** The helper binary of this installation. */
  static Path helper(BundleContext context) {
    return Path.of(property(context, "gantry.home")).resolve("lib").resolve("gantry-helper");
  }

  private static String property(BundleContext context, String name) {
    return Objects.requireNonNull(context.getProperty(name), name);
  }

  /** Parent of all control groups of this instance. */
  String cgroupParent() {
    return "gantry-" + instance;
  }

  /** Files of a container that survive its runs: its log, hosts, volumes. */
  Path files(String id) {
    return dataRoot.resolve("containers").resolve(id);
  }

  /** Where a container's monitor lives while it runs; short, for sockets' paths are. */
  Path run(String id) {
    return execRoot.resolve(id.substring(0, 16));
  }

  Path log(String id) {
    return files(id).resolve(id + "-json.log");
  }
}
