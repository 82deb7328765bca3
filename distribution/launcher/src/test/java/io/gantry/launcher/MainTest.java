package io.gantry.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MainTest {

  @Test
  void anExecRootHasRoomForTheSocketsInIt() throws StartFailure {
    Path longest = Path.of("/" + "r".repeat(64));
    assertEquals(
        107, longest.resolve("gantry-01234567/0123456789abcdef/ctl.sock").toString().length());
    Main.checkLength(longest);
    StartFailure failure =
        assertThrows(StartFailure.class, () -> Main.checkLength(Path.of("/" + "r".repeat(65))));
    assertEquals(StartFailure.USAGE, failure.exitCode());
    assertTrue(failure.getMessage().endsWith("66 bytes, at most 65"), failure::getMessage);
  }
}
