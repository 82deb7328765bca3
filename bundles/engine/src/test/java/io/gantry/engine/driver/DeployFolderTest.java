package io.gantry.engine.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an operator finds in the deploy folder after a jar was dropped there. */
@Tag("root") // the folder has to be root's
class DeployFolderTest {

  private static final int LOOKS_UNTIL_BROKEN = 20;

  private static final Consumer<Path> REFUSE =
      jar -> {
        throw new GantryException(GantryException.Kind.INVALID, "not today");
      };

  @TempDir Path folder;
  private Path jar;

  @BeforeEach
  void dropAJar() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    jar = Files.writeString(folder.resolve("driver.jar"), "no zip");
  }

  @Test
  void aRefusedJarIsRenamedAndItsReasonLiesBesideIt() throws IOException {
    look(REFUSE);
    assertFalse(Files.exists(jar));
    assertEquals("no zip", Files.readString(folder.resolve("driver.jar.rejected")));
    assertEquals("not today\n", Files.readString(folder.resolve("driver.jar.rejected.txt")));
  }

  @Test
  void theReasonIsThereBeforeTheJarGoes() throws IOException {
    Path inTheWay = folder.resolve("driver.jar.rejected").resolve("a file of the operator's");
    Files.createDirectories(inTheWay);
    look(REFUSE);
    assertTrue(Files.exists(jar), "it cannot be renamed");
    assertEquals("not today\n", Files.readString(folder.resolve("driver.jar.rejected.txt")));
  }

  @Test
  void aJarThatIsTakenGoesAway() {
    look(taken -> {});
    assertFalse(Files.exists(jar));
    assertFalse(Files.exists(folder.resolve("driver.jar.rejected.txt")));
  }

  @Test
  @Timeout(30) // opened, a FIFO holds the watch for ever
  void aFifoIsNamedAndTheNextJarIsTakenAllTheSame() throws Exception {
    Path fifo = folder.resolve("a.jar"); // looked at first
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
    look(taken -> {});
    assertFalse(Files.exists(fifo));
    assertEquals(
        "it is not a regular file\n", Files.readString(folder.resolve("a.jar.rejected.txt")));
    assertFalse(Files.exists(jar));
  }

  private void look(Consumer<Path> install) {
    var watched = new DeployFolder(() -> folder, install);
    for (int i = 0; i < LOOKS_UNTIL_BROKEN; i++) {
      watched.look();
    }
  }
}
