package io.gantry.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.HostSpec.PortRequest;
import io.gantry.spi.GantryException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PortRequestTest {

  @ParameterizedTest
  @CsvSource({
    "80, 80/tcp, '', ''",
    "8080:80, 80/tcp, '', 8080",
    "8080-8090:80/UDP, 80/udp, '', 8080-8090",
    "127.0.0.1:8080:80/sctp, 80/sctp, 127.0.0.1, 8080",
    "127.0.0.1::80, 80/tcp, 127.0.0.1, ''",
    "[::1]:8080:80, 80/tcp, ::1, 8080",
    "[fd00::2]::80, 80/tcp, fd00::2, ''"
  })
  void portsAreWrittenAsForDockerRun(String text, String port, String address, String hostPort) {
    assertEquals(new PortRequest(port, address, hostPort), PortRequest.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ":", "80/", "127.0.0.1:80", "::1:8080:80", "a:80", "80:80:80:80"})
  void whatIsNoPortIsRefused(String text) {
    assertThrows(GantryException.class, () -> PortRequest.parse(text));
  }
}
