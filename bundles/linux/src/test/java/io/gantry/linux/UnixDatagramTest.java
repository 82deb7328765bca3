package io.gantry.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixDatagramTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @TempDir Path dir;

  @Test
  void messagesComeOneByOne() {
    String path = dir.resolve("s").toString();
    try (var there = UnixDatagram.bind(path, PATIENCE);
        var here = UnixDatagram.connect(path, PATIENCE)) {
      assertTrue(here.send(UTF_8.encode("one")));
      assertTrue(here.send(UTF_8.encode("two")));
      assertEquals(UTF_8.encode("one"), there.receive(100).message());
      assertEquals(UTF_8.encode("two"), there.receive(100).message());
    }
  }

  @Test
  void whatIsTooLargeGoesAsAFile() {
    String path = dir.resolve("s").toString();
    try (var there = UnixDatagram.bind(path, PATIENCE);
        var here = UnixDatagram.connect(path, PATIENCE)) {
      var large = ByteBuffer.allocate(16 << 20);
      assertFalse(here.send(large.duplicate()));
      here.sendAsFile(UTF_8.encode("large"));
      var received = there.receive(100);
      assertEquals(0, received.message().remaining());
      assertEquals(UTF_8.encode("large"), received.file());
    }
  }

  @Test
  void nobodyThereIsAFailure() {
    String path = dir.resolve("s").toString();
    assertThrows(GantryException.class, () -> UnixDatagram.connect(path, PATIENCE));
    try (var there = UnixDatagram.bind(path, PATIENCE);
        var here = UnixDatagram.connect(path, Duration.ofMillis(50))) {
      there.close();
      var e = assertThrows(GantryException.class, () -> here.send(UTF_8.encode("x")));
      assertEquals(Errno.ECONNREFUSED, SyscallError.errno(e));
    }
  }
}
