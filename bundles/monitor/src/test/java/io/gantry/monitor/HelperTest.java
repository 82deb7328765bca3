package io.gantry.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HelperTest {

  private static final String SHA_OF_ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @TempDir Path dir;

  private Path shipped;

  @BeforeEach
  void ship() throws IOException {
    shipped = Files.writeString(dir.resolve("shipped"), "abc");
  }

  @Test
  void theCopyIsNamedByItsDigestAndOnlyRunnable() throws IOException {
    Helper helper = Helper.install(shipped, dir.resolve("data"));
    assertEquals(SHA_OF_ABC, helper.sha256());
    assertEquals(dir.resolve("data/helper/" + SHA_OF_ABC), helper.path());
    assertEquals("abc", Files.readString(helper.path()));
    assertEquals(
        "r-x------", PosixFilePermissions.toString(Files.getPosixFilePermissions(helper.path())));
    try (var files = Files.list(helper.path().getParent())) {
      assertEquals(1, files.count());
    }
  }

  @Test
  void anIntactCopyStaysAndADamagedOneIsReplaced() throws IOException {
    Helper helper = Helper.install(shipped, dir);
    Object inode = Files.getAttribute(helper.path(), "unix:ino");
    assertEquals(helper, Helper.install(shipped, dir));
    assertEquals(inode, Files.getAttribute(helper.path(), "unix:ino"));
    Files.delete(helper.path());
    Files.writeString(helper.path(), "abd");
    helper.path().toFile().setExecutable(true);
    assertEquals(helper, Helper.install(shipped, dir));
    assertEquals("abc", Files.readString(helper.path()));
  }

  @Test
  void aCopyThatOthersMayWriteIsReplaced() throws IOException {
    Helper helper = Helper.install(shipped, dir);
    Files.setPosixFilePermissions(helper.path(), PosixFilePermissions.fromString("rwxr-xrwx"));
    Object inode = Files.getAttribute(helper.path(), "unix:ino");
    assertEquals(helper, Helper.install(shipped, dir));
    assertNotEquals(inode, Files.getAttribute(helper.path(), "unix:ino"));
    assertEquals(
        "r-x------", PosixFilePermissions.toString(Files.getPosixFilePermissions(helper.path())));
  }

  @Test
  void nothingShippedIsSaidSo() {
    var failure =
        assertThrows(GantryException.class, () -> Helper.install(dir.resolve("none"), dir));
    assertEquals(Kind.NOT_FOUND, failure.kind());
  }
}
