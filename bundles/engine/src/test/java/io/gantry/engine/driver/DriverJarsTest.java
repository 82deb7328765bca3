package io.gantry.engine.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
}
