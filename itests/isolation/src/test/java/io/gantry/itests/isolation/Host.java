package io.gantry.itests.isolation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What of this host decides on what a container may do and see. */
final class Host {

  private Host() {}

  static String kind() {
    String capabilities =
        read("/proc/self/status")
            .lines()
            .filter(line -> line.startsWith("CapPrm:"))
            .findFirst()
            .orElse("")
            .replaceFirst("CapPrm:\\s*", "");
    String cgroups =
        Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers")) ? "cgroup2" : "cgroup";
    return String.join(
        " ",
        System.getProperty("os.arch"),
        System.getProperty("os.version"),
        cgroups,
        capabilities);
  }

  private static String read(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
