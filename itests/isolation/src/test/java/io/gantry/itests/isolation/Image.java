package io.gantry.itests.isolation;

import io.gantry.itests.harness.Command;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The image of the probe: one static program, once more as "true", and a few accounts. */
final class Image {
  private static final String MAKE =
      """
      set -e
      rm -rf "$1"; mkdir -p "$1"/bin "$1"/etc "$1"/tmp
      "$0" "$1"/world
      ln -s ../world "$1"/bin/true
      printf '%s\\n' root:x:0:0:root:/root:/bin/sh acc:x:1234:1234:acc:/home/acc:/bin/sh >"$1"/etc/passwd
      printf '%s\\n' root:x:0: video:x:44:acc acc:x:1234: >"$1"/etc/group
      chmod 1777 "$1"/tmp
      tar -C "$1" --owner=0 --group=0 --numeric-owner -cf "$1.tar" .
      """;

  private Image() {}

  static byte[] tar() {
    Path root = Path.of(System.getProperty("isolation.target"), "root");
    String compile = System.getProperty("isolation.program");
    Command.run(
            Map.of(), Duration.ofMinutes(1), List.of("sh", "-c", MAKE, compile, root.toString()))
        .ok();
    try {
      return Files.readAllBytes(Path.of(root + ".tar"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
