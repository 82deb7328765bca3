package io.gantry.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeaturesTest {

  @TempDir Path folder;

  @Test
  void bundlesComeByStartLevelAndDriversApart() throws Exception {
    feature(
        "a",
        """
        { // the edge
          "bundles": [{"id": "g:edge:1.0", "startLevel": 4}] }
        """);
    feature("b", "{\"bundles\": [{\"id\": \"g:core:2.0\", \"startLevel\": 2}]}");
    feature("c", "{\"categories\": [\"driver\"], \"bundles\": [{\"id\": \"g:driver:3.0\"}]}");
    Features features = Features.read(folder);
    assertEquals(
        List.of(new Features.Deployed("core-2.0.jar", 2), new Features.Deployed("edge-1.0.jar", 4)),
        features.bundles());
    assertEquals(List.of("driver-3.0.jar"), features.drivers());
  }

  @Test
  void aBrokenFileIsNamedWithItsReason() throws IOException {
    feature("broken", "{\"bundles\": [");
    StartFailure failure = assertThrows(StartFailure.class, () -> Features.read(folder));
    assertTrue(failure.getMessage().contains("broken.json: Unexpected end"), failure::getMessage);
    assertEquals(StartFailure.SOFTWARE, failure.exitCode());
  }

  @Test
  void anIdThatIsNotMavensIsNamed() throws IOException {
    feature("odd", "{\"bundles\": [{\"id\": \"just-a-name\"}]}");
    StartFailure failure = assertThrows(StartFailure.class, () -> Features.read(folder));
    assertTrue(failure.getMessage().contains("\"just-a-name\""), failure::getMessage);
  }

  @Test
  void nothingToStartIsAnError() {
    assertThrows(StartFailure.class, () -> Features.read(folder));
    assertThrows(StartFailure.class, () -> Features.read(folder.resolve("missing")));
  }

  private void feature(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name + ".json"), text);
  }
}
