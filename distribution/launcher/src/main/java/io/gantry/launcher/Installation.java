package io.gantry.launcher;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The installation: what lies in it runs as root, so nobody else may have a hand in it. */
final class Installation {

  private static final List<String> FOLDERS = List.of("bin", "lib", "bundles", "features");

  private Installation() {}

  /** Refuses folders and files that others than root own or may write. */
  static void check(Path home) throws StartFailure {
    for (String name : FOLDERS) {
      Path folder = home.resolve(name);
      if (Files.exists(folder)) {
        Path real = OwnedDirectory.check("installation", folder, false);
        checkFiles(real);
      }
    }
  }

  private static void checkFiles(Path folder) throws StartFailure {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        OwnedDirectory.checkOne("installation", file.toRealPath());
      }
    } catch (IOException e) {
      throw new StartFailure(
          StartFailure.IO_ERROR,
          "cannot check installation " + folder + ": " + OwnedDirectory.reason(e),
          e);
    }
  }
}
