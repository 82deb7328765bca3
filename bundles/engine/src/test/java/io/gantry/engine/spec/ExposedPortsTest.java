package io.gantry.engine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.HostSpec.Publishing;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExposedPortsTest {
  private static final PortRequest NAMED = new PortRequest("79/tcp", "", "8079");
  private static final PortRequest TCP = new PortRequest("80/tcp", "", "8080");
  private static final PortRequest UDP = new PortRequest("80/udp", "", "8080");

  @Test
  void whatIsAskedForIfExposedIsPublishedIfItIs() {
    var asked = new Publishing(List.of(NAMED), false, List.of(TCP, UDP));
    assertEquals(
        new Publishing(List.of(NAMED, TCP), false, List.of(UDP)),
        ExposedPorts.publish(asked, List.of("80")));
    assertEquals(
        new Publishing(List.of(NAMED, UDP), false, List.of(TCP)),
        ExposedPorts.publish(asked, List.of("79-81/UDP")));
    assertEquals(asked, ExposedPorts.publish(asked, List.of("81/tcp")));
    assertEquals(List.of(NAMED, TCP, UDP), asked.asked());
  }

  @Test
  void whatIsAskedForOtherwiseNeedNotBeExposed() {
    var asked = new Publishing(List.of(TCP), true);
    assertSame(asked, ExposedPorts.publish(asked, List.of()));
  }
}
