package io.gantry.exec.namespaces;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.linux.OverlayDirs;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A root on the kernel's overlay file system, from the options that mount(8) takes. */
final class Overlay {

  /** Bytes of a parameter of fsconfig(2). */
  private static final int LONGEST_PARAMETER = 255;

  private Overlay() {}

  /**
   * Whether the mount is in no namespace before it is the root. Kernels before 6.7 (no {@code
   * lowerdir+}), and names that no parameter takes, need a mount on the directory of the layers on
   * the way: the host would see that one, over its own layers, as long as propagation is not cut.
   */
  static boolean isDetached(Mount root, Kernel kernel) {
    OverlayDirs dirs = OverlayDirs.of(root.options());
    Stream<String> others = root.options().stream().filter(option -> !OverlayDirs.names(option));
    return kernel.isSince(6, 7)
        && Stream.of(dirs.lower().stream(), Stream.of(dirs.upper(), dirs.work()), others)
            .flatMap(texts -> texts)
            .allMatch(text -> text.getBytes(UTF_8).length <= LONGEST_PARAMETER);
  }

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
