package io.gantry.exec.namespaces;

import io.gantry.linux.OverlayDirs;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import java.util.ArrayList;
import java.util.List;

/** A root on the kernel's overlay file system, from the options that mount(8) takes. */
final class Overlay {

  private Overlay() {}

  static void mount(Mount root, OpProgram program) {
    List<String> others = new ArrayList<>(MountOptions.parse(root.options()).data());
    OverlayDirs dirs = OverlayDirs.of(others);
    if (dirs.lower().isEmpty()) {
      throw new GantryException(Kind.INVALID, "an overlay root needs the option lowerdir");
    }
    others.removeIf(OverlayDirs::names);
    boolean isVolatile = others.remove("volatile");
    program.rootOverlay(dirs.upper(), dirs.work(), isVolatile, others, dirs.lower());
  }
}
