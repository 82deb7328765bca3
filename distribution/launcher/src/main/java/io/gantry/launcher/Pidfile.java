package io.gantry.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The file that names the process of an engine without a gate. Written once the data root is the
 * engine's, so that it never names one that was refused.
 */
record Pidfile(@Nullable Path path) {

  /**
   * @param path null: none is wanted
   */
  static Pidfile write(@Nullable Path path, long pid) throws StartFailure {
    if (path != null) {
      try {
        Files.writeString(path, pid + "\n");
      } catch (IOException e) {
        throw new StartFailure(
            StartFailure.IO_ERROR,
            "cannot write pidfile " + path + ": " + OwnedDirectory.reason(e),
            e);
      }
    }
    return new Pidfile(path);
  }

  void remove() throws IOException {
    if (path != null) {
      Files.deleteIfExists(path);
    }
  }
}
