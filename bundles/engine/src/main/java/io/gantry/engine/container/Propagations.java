package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.engine.spec.ContainerMount;
import io.gantry.linux.MountInfo;
import io.gantry.linux.Names;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether the host's mounts allow what a bind asks for. */
final class Propagations {

  private Propagations() {}

  /**
   * @throws GantryException INVALID, in dockerd's words
   */
  static void check(ContainerMount bind) {
    boolean shared = bind.propagation().endsWith("shared");
    if (!shared && !bind.propagation().endsWith("slave")) {
      return;
    }
    Path source = real(Path.of(bind.source()));
    MountInfo mount = MountInfo.of(source);
    if (shared ? !mount.isShared() : !mount.isShared() && !mount.isSlave()) {
      throw new GantryException(
          INVALID,
          "path %s is mounted on %s but it is not a %s mount"
              .formatted(
                  bind.source(),
                  Names.toText(mount.target()),
                  shared ? "shared" : "shared or slave"));
    }
  }

  private static Path real(Path source) {
    try {
      return Files.exists(source) ? source.toRealPath() : source;
    } catch (IOException e) {
      return source; // it has gone meanwhile, which the start says
    }
  }
}
