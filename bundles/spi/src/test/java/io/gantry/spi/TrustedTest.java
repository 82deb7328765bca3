package io.gantry.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrustedTest {
  @TempDir Path dir;
  private Path folder;

  @BeforeEach
  void make() throws IOException {
    folder = Files.createDirectories(dir.resolve("above/folder"));
    mode(dir.resolve("above"), "rwxr-xr-x");
    mode(folder, "rwxr-xr-x");
  }

  private static void mode(Path path, String permissions) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
  }

  @Test
  void aFolderThatOnlyItsOwnerMayReplaceIsTrusted() throws IOException {
    Trusted.checkWithWay(folder);
  }

  @Test
  void aFolderThatOthersMayWriteIsNot() throws IOException {
    mode(folder, "rwxrwxr-x");
    refused(folder);
  }

  @Test
  void norIsOneThatOthersMayRename() throws IOException {
    mode(dir.resolve("above"), "rwxrwxrwx");
    refused(dir.resolve("above"));
  }

  /** Only its owner may rename what is in it; but he may. */
  @Test
  @Tag("root")
  void aStickyFolderIsFineUnlessItIsSomebodys() throws IOException {
    Path above = dir.resolve("above");
    Files.setAttribute(above, "unix:mode", 01777);
    Trusted.checkWithWay(folder);
    Files.setAttribute(above, "unix:uid", 12345);
    var failure = assertThrows(GantryException.class, () -> Trusted.checkWithWay(folder));
    assertTrue(failure.getMessage().startsWith(above + " belongs to "), failure.getMessage());
  }

  @Test
  void whatIsToBeOpenedIsWhatWasLookedAt() throws IOException {
    Path link = Files.createSymbolicLink(dir.resolve("link"), folder);
    assertEquals(folder.toRealPath(), Trusted.checkWithWay(link));
  }

  private void refused(Path named) {
    var failure = assertThrows(GantryException.class, () -> Trusted.checkWithWay(folder));
    assertEquals(GantryException.Kind.FORBIDDEN, failure.kind());
    assertTrue(failure.getMessage().startsWith(named + " is writable"), failure.getMessage());
  }
}
