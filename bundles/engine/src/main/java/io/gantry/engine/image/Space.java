package io.gantry.engine.image;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The disk that the data root lies on. */
record Space(Path dataRoot) {

  long freeBytes() {
    try {
      return Files.getFileStore(dataRoot).getUsableSpace();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Whether at least that much of the disk is free. */
  boolean hasFree(int percent) {
    try {
      var disk = Files.getFileStore(dataRoot);
      return percent < 100 && disk.getUsableSpace() / 100.0 >= disk.getTotalSpace() / 1e4 * percent;
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private GantryException failed(IOException e) {
    return new GantryException(
        GantryException.Kind.INTERNAL, "free space of " + dataRoot + ": " + e.getMessage(), e);
  }
}
