package io.gantry.network.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BuiltinDriverTest {
  private static final Network NONE = network("none", List.of());
  private final BuiltinDriver driver = new BuiltinDriver();

  @Test
  void anEndpointHasNothingButLoopback() {
    driver.create(NONE);
    var attachment = driver.attach(NONE, endpoint(List.of()));
    assertEquals(Attachment.none("e".repeat(64)), attachment);
    driver.detach(NONE, attachment);
    driver.detach(NONE, attachment);
    driver.remove(NONE);
    driver.remove(NONE);
  }

  @Test
  void otherNetworksAreNotItsBusiness() {
    var e = assertThrows(GantryException.class, () -> driver.create(network("web", List.of())));
    assertEquals(GantryException.Kind.UNSUPPORTED, e.kind());
  }

  @Test
  void addressesAreRefused() {
    var subnet = List.of(new Network.Subnet("10.0.0.0/8", ""));
    assertThrows(GantryException.class, () -> driver.create(network("host", subnet)));
    assertThrows(GantryException.class, () -> driver.attach(NONE, endpoint(List.of("10.0.0.2/8"))));
  }

  @Test
  void whateverIsExpectedIsAlive() {
    var found = driver.recover(List.of(NONE), List.of(Attachment.none("e".repeat(64))));
    assertEquals(Set.of("n".repeat(64), "e".repeat(64)), found.alive());
    assertEquals(Set.of(), found.lost());
  }

  private static Network network(String name, List<Network.Subnet> subnets) {
    return new Network("n".repeat(64), name, subnets, false, Map.of());
  }

  private static Endpoint endpoint(List<String> addresses) {
    return new Endpoint("e".repeat(64), 1, "/proc/1/ns/net", addresses, "", Map.of());
  }
}
