package io.gantry.engine.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Version;

class DriverJarsTest {
  @TempDir Path dir;

  @Test
  void aFileThatIsNoVersionHidesNone() throws IOException {
    Path home = Files.createDirectory(dir.resolve("test.echo"));
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
    var home = Files.createDirectories(dir.resolve("test.echo"));
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

  @Test
  void ofWhatRanBeforeTheLastVersionIsKept() {
    var entry = new DriverList.Entry("1", List.of(), "", List.of()).run("2").run("3");
    assertEquals(List.of("2"), entry.before());
    assertEquals(List.of("3"), entry.run("2").before());
  }
}
