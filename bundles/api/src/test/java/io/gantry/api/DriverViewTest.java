package io.gantry.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DriverViewTest {
  @Test
  void theStatusStaysInTheDriversOrder() {
    Map<String, String> status = new LinkedHashMap<>();
    IntStream.range(0, 100).forEach(i -> status.put("fact " + i, ""));
    var view =
        new Drivers.DriverView(
            "StorageDriver",
            "vfs",
            Drivers.State.ACTIVE,
            "",
            "",
            "",
            true,
            0,
            0,
            0,
            0,
            Duration.ZERO,
            Duration.ZERO,
            status,
            List.of(),
            List.of());
    assertEquals(new ArrayList<>(status.keySet()), new ArrayList<>(view.status().keySet()));
  }
}
