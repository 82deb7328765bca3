package io.gantry.engine.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Version;

class DriverJarsTest {
  @TempDir Path dir;

  @Test
  void aFileThatIsNoVersionHidesNone() throws IOException {
    Path home = Files.createDirectories(dir.resolve("drivers/test.echo"));
    for (String name : List.of("1.10.0.jar", "1.9.0.jar", "copy of 1.9.0.jar", "1.11.0.jar.tmp")) {
      Files.createFile(home.resolve(name));
    }
    assertEquals(
        List.of(Version.parseVersion("1.9.0"), Version.parseVersion("1.10.0")),
        new DriverJars(dir).versions("test.echo"));
    assertEquals(List.of(), new DriverJars(dir).versions("test.other"));
  }

  @Test
  void onlyTheVersionsThatAreNamedAreRetained() throws Exception {
    var home = Files.createDirectories(dir.resolve("drivers/test.echo"));
    for (String name : List.of("1.0.0.jar", "1.1.0.jar", "2.0.0.jar", "readme")) {
      Files.createFile(home.resolve(name));
    }
    var jars = new DriverJars(dir);
    jars.retain("test.echo", Set.of(Version.parseVersion("1.1.0"), new Version(2, 0, 0)));
    assertEquals(
        List.of(Version.parseVersion("1.1.0"), Version.parseVersion("2.0.0")),
        jars.versions("test.echo"));
    assertTrue(Files.exists(home.resolve("readme")));
  }

  /** Its root is the host's, and so is what it writes. */
  @Test
  @Tag("root") // what is looked at has to be root's
  void aJarThatAContainerMayHaveWrittenIsRefused() throws IOException {
    var jars = new DriverJars(dir.resolve("data"));
    for (String folder : List.of("data/storage/overlay/c1/fs", "data/volume/local/volumes/v")) {
      Path jar = jar(Files.createDirectories(dir.resolve(folder)).resolve("driver.jar"));
      Path link = Files.createSymbolicLink(dir.resolve("link.jar"), jar);
      for (Path path : List.of(jar, link)) {
        var failure = assertThrows(GantryException.class, () -> jars.look(path));
        assertEquals(GantryException.Kind.FORBIDDEN, failure.kind());
        assertTrue(failure.getMessage().startsWith(jar + " is in the data root"), path.toString());
      }
      Files.delete(link);
    }
    Path dropped = jar(Files.createDirectories(dir.resolve("data/deploy")).resolve("driver.jar"));
    assertEquals("test.echo", jars.look(dropped).symbolicName());
    assertEquals("test.echo", jars.look(jar(dir.resolve("driver.jar"))).symbolicName());
  }

  private static Path jar(Path file) throws IOException {
    var manifest = new Manifest();
    manifest.getMainAttributes().putValue("Manifest-Version", "1.0");
    manifest.getMainAttributes().putValue("Bundle-SymbolicName", "test.echo");
    manifest.getMainAttributes().putValue("Bundle-Version", "1.0.0");
    try (var out = new JarOutputStream(Files.newOutputStream(file), manifest)) {
      out.finish();
    }
    return file;
  }

  @Test
  void ofWhatRanBeforeTheLastVersionIsKept() {
    var entry = new DriverList.Entry("1", List.of(), "", List.of()).run("2").run("3");
    assertEquals(List.of("2"), entry.before());
    assertEquals(List.of("3"), entry.run("2").before());
  }
}
