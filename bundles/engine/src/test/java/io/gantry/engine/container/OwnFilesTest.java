package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.linux.Mounts;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class OwnFilesTest {
  private static final String ID = "0".repeat(64);

  @TempDir Path root;

  @Test
  void whatIsMountedInThemIsNotRemovedWithThem() throws IOException {
    var place = new Place("00000000", root, root.resolve("run"));
    var files = new OwnFiles(place);
    files.remove(ID);
    Path mounted = Files.createDirectories(place.files(ID).resolve("volumes/v/mounted"));
    Path kept = Files.createDirectory(root.resolve("kept"));
    Files.writeString(kept.resolve("file"), "kept");
    Mounts.mount(Mount.bind(kept.toString(), "/"), mounted);
    try {
      assertThrows(GantryException.class, () -> files.remove(ID));
    } finally {
      Mounts.unmount(mounted);
    }
    assertEquals("kept", Files.readString(kept.resolve("file")));
    files.remove(ID);
    assertFalse(Files.exists(place.files(ID)));
  }
}
