package io.gantry.network.macvlan;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel is or would be able to, without loading it. */
final class Modules {
  private static final Path RELEASE = Path.of("/proc/sys/kernel/osrelease");
  private static final Path MODULES = Path.of("/lib/modules");

  private Modules() {}

  /** False, too, where it cannot be said. */
  static boolean have(String module) {
    if (Files.exists(Path.of("/sys/module", module))) {
      return true;
    }
    try {
      Path dir = MODULES.resolve(Files.readString(RELEASE, ISO_8859_1).strip());
      return lists(dir.resolve("modules.dep"), module)
          || lists(dir.resolve("modules.builtin"), module);
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean lists(Path file, String module) throws IOException {
    if (!Files.exists(file)) {
      return false;
    }
    try (var lines = Files.lines(file, ISO_8859_1)) {
      return lines.anyMatch(line -> line.split(":", 2)[0].contains("/" + module + ".ko"));
    }
  }
}
