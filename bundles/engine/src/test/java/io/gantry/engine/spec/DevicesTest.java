package io.gantry.engine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.HostSpec;
import io.gantry.engine.container.Specs;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices of directories: whoever names one gets no host's disk searched. */
class DevicesTest {
  @TempDir Path scratch;

  private static Devices of(String path, String inside) {
    return Devices.of(
        Specs.spec(s -> s.devices.add(new HostSpec.DeviceRequest(path, inside, "r"))).host());
  }

  private String refused() {
    var e = assertThrows(GantryException.class, () -> of(scratch.toString(), "/dev/x"));
    assertEquals(GantryException.Kind.INVALID, e.kind());
    String begin =
        "error gathering device information while adding custom device \"" + scratch + "\": ";
    assertTrue(e.getMessage().startsWith(begin), e.getMessage());
    return e.getMessage().substring(begin.length());
  }

  @Test
  void aNodeIsFoundWithItsRule() {
    var devices = of("/dev/null", "/dev/nothing");
    assertEquals(1, devices.nodes().size());
    assertEquals("/dev/nothing", devices.nodes().get(0).path());
    assertTrue(devices.rules().contains("c 1:3 r"), devices.rules().toString());
  }

  @Test
  void aDirectoryIsNotSearchedDeeperThanDevicesAre() throws IOException {
    Files.createDirectories(scratch.resolve("1/2/3/4/5/6/7"));
    assertEquals("not a device node", refused());
    Files.createDirectories(scratch.resolve("1/2/3/4/5/6/7/8"));
    assertEquals("more than 8 directories deep", refused());
  }

  @Test
  void aDirectoryIsNotSearchedWithoutEnd() throws IOException {
    for (int i = 0; i <= 16 * 1024; i++) {
      Files.createSymbolicLink(scratch.resolve("link" + i), Path.of("x"));
    }
    assertEquals("more than 16384 files to look at", refused());
  }
}
