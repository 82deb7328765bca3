package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("root")
class NetworkNamespaceTest {
  private static final Path OWN = Path.of("/proc/self/ns/net");

  /** The descriptor that it had is another one's by then. */
  @Test
  void closingItTwiceTakesNothingFromOthers() {
    var first = NetworkNamespace.open(OWN);
    first.close();
    try (var next = NetworkNamespace.open(OWN)) {
      first.close();
      assertEquals("in it", next.call(() -> "in it"));
    }
  }
}
