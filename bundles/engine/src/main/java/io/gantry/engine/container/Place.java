package io.gantry.engine.container;

import java.nio.file.Path;

/**
 * Where an engine keeps things.
 *
 * @param instance 8 hex
 * @param dataRoot what survives a reboot
 * @param execRoot what does not; a tmpfs
 */
public record Place(String instance, Path dataRoot, Path execRoot) {

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
