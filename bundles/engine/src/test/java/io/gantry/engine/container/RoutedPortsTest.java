package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.NetworkSpec;
import io.gantry.api.Networks.Pool;
import io.gantry.api.Ports;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network.Port;
import java.io.IOException;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Published ports of networks in which clients come to containers' own addresses. */
class RoutedPortsTest extends WithEngine {
  private static final String MODE = "com.docker.network.bridge.gateway_mode_ipv";
  private static final GantryException FULL =
      new GantryException(GantryException.Kind.INTERNAL, "no more rules");

  private final LoopDriver driver = new LoopDriver();
  private Ports ports;

  @Override
  Engines open() {
    return new Engines(home, driver.leased());
  }

  @BeforeEach
  void makeNetworks() {
    ports = engine.containers.ports();
    create("routed", Map.of(MODE + "4", "routed"), "10.9.1.0/24");
    create("plain", Map.of(), "10.9.2.0/24");
  }

  private void create(String name, Map<String, String> options, String... subnets) {
    var pools = new ArrayList<Pool>();
    for (String subnet : subnets) {
      pools.add(new Pool(subnet, "", "", Map.of()));
    }
    boolean six = subnets.length > 1;
    engine
        .containers
        .networks()
        .create(
            new NetworkSpec(
                name,
                "",
                true,
                six,
                new Ipam("", null, pools),
                false,
                false,
                false,
                false,
                "",
                options,
                Map.of()));
  }

  private void again() {
    engine.close();
    engine = open();
    ports = engine.containers.ports();
  }

  private static PortRequest wish(int port, String hostAddress, String hostPort) {
    return new PortRequest(port + "/tcp", hostAddress, hostPort);
  }

  private void made(String name, String network, PortRequest... wanted) {
    engine.containers.create(
        Specs.spec(
            specs -> {
              specs.name = name;
              specs.networkMode = network;
              specs.cmd = List.of("sleep", "1000");
              specs.ports = List.of(wanted);
            }));
  }

  private void started(String name, String network, PortRequest... wanted) {
    made(name, network, wanted);
    engine.containers.start(name);
  }

  private static List<Port> tcp(String address, int... numbers) {
    var all = new ArrayList<Port>();
    for (int number : numbers) {
      all.add(new Port(address, "tcp", number));
    }
    return all;
  }

  private void assertOpen(String network, List<Port> wanted) {
    assertEquals(wanted, driver.ports.get(network));
    assertEquals(wanted, expected(network));
  }

  /** What a driver would be told that takes over. */
  private List<Port> expected(String name) {
    return engine.containers.belongings().networks("loop").stream()
        .filter(network -> network.name().equals(name))
        .flatMap(network -> network.ports().stream())
        .toList();
  }

  /** {@code ADDRESS:PORT>ADDRESS:PORT} of each. */
  private List<String> seen(String ref) {
    return engine.containers.ports().list(ref).stream()
        .map(p -> p.hostAddress() + ":" + p.hostPort() + ">" + p.address() + ":" + p.port())
        .sorted()
        .toList();
  }

  private static int free() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Test
  void noPortOfTheHostIsTakenAndTheDriverIsTold() throws Exception {
    try (var strange = new ServerSocket(0)) {
      String taken = Integer.toString(strange.getLocalPort());
      started("box", "routed", wish(80, "127.0.0.1", taken), wish(80, "", ""));
      started("other", "routed", wish(81, "0.0.0.0", taken));
    }
    var both = new ArrayList<>(tcp("10.9.1.2", 80));
    both.addAll(tcp("10.9.1.3", 81));
    assertEquals(both.size(), driver.ports.get("routed").size());
    assertTrue(driver.ports.get("routed").containsAll(both));
    assertEquals(List.of("0.0.0.0:0>10.9.1.3:81"), seen("other"));
    assertFalse(ports.list("other").get(0).proxied());
    assertEquals("", ports.list("other").get(0).mapper());
    engine.containers.stop("box", "KILL", null);
    Await.until("it is told", () -> driver.ports.get("routed").equals(tcp("10.9.1.3", 81)));
    engine.containers.remove("other", true, false);
    Await.until("it is told", () -> driver.ports.get("routed").isEmpty());
    assertEquals(List.of(), expected("routed"));
  }

  @Test
  void theOtherFamilyHasAPortOfTheHost() throws Exception {
    String port = Integer.toString(free());
    create("mixed", Map.of(MODE + "6", "routed"), "10.9.3.0/24", "fd00:9::/64");
    started("box", "mixed", wish(80, "", port));
    assertEquals(List.of("0.0.0.0:" + port + ">10.9.3.2:80", ":::0>fd00:9::2:80"), seen("box"));
    assertTrue(driver.ports.get("mixed").contains(new Port("fd00:9::2", "tcp", 80)));
    ports.unpublish("box", List.of(wish(80, "", port)));
    assertEquals(List.of(), seen("box"));
    assertOpen("mixed", List.of());
  }

  @Test
  void aPortOfIpv6OpensNoAddressOfIpv4() {
    started("box", "routed", wish(80, "::", ""));
    assertFalse(driver.ports.containsKey("routed"));
    assertEquals(List.of(), expected("routed"));
    assertTrue(ports.list("box").get(0).proxied());
  }

  @Test
  void aDriverThatTrustsInterfacesIsToldWherePortsOfTheHostLead() throws Exception {
    String port = Integer.toString(free());
    create(
        "trusting",
        Map.of("com.docker.network.bridge.trusted_host_interfaces", "eth1"),
        "10.9.3.0/24");
    started("box", "trusting", wish(80, "127.0.0.1", port));
    assertEquals(List.of("127.0.0.1:" + port + ">10.9.3.2:80"), seen("box"));
    assertOpen("trusting", tcp("10.9.3.2", 80));
    engine.containers.networks().connect("plain", "box", NetworkRequest.of(""));
    engine.containers.networks().disconnect("trusting", "box", false);
    assertEquals(List.of("127.0.0.1:" + port + ">10.9.2.2:80"), seen("box"));
    assertOpen("trusting", List.of());
  }

  @Test
  void portsOfARunningContainerComeAndGo() {
    started("box", "routed");
    assertFalse(driver.ports.containsKey("routed"));
    ports.publish("box", List.of(wish(80, "0.0.0.0", "8080"), wish(81, "0.0.0.0", "")));
    assertOpen("routed", tcp("10.9.1.2", 80, 81));
    again();
    assertOpen("routed", tcp("10.9.1.2", 80, 81));
    ports.unpublish("box", List.of(wish(80, "0.0.0.0", "8080")));
    assertOpen("routed", tcp("10.9.1.2", 81));
    driver.openFailure = FULL;
    assertThrows(
        GantryException.class, () -> ports.publish("box", List.of(wish(82, "0.0.0.0", ""))));
    assertOpen("routed", tcp("10.9.1.2", 81));
    engine.containers.restart("box", "KILL", null);
    assertEquals(List.of("0.0.0.0:0>10.9.1.2:81"), seen("box"));
    assertOpen("routed", tcp("10.9.1.2", 81));
  }

  @Test
  void aPortThatIsPublishedTwiceIsOpenUntilNoneIsLeft() {
    started("box", "routed", wish(80, "", "8080"), wish(80, "", "8081"));
    assertOpen("routed", tcp("10.9.1.2", 80));
    ports.unpublish("box", List.of(wish(80, "", "8080")));
    assertOpen("routed", tcp("10.9.1.2", 80));
    ports.unpublish("box", List.of(wish(80, "", "8081")));
    assertOpen("routed", List.of());
  }

  @Test
  void aPortFollowsIntoOtherNetworksAndOut() throws Exception {
    String port = Integer.toString(free());
    create("second", Map.of(MODE + "4", "routed"), "10.9.3.0/24");
    started("box", "plain", wish(80, "127.0.0.1", port));
    var networks = engine.containers.networks();
    networks.connect("routed", "box", NetworkRequest.of(""));
    networks.disconnect("plain", "box", false);
    assertEquals(List.of("0.0.0.0:0>10.9.1.2:80"), seen("box"));
    assertOpen("routed", tcp("10.9.1.2", 80));
    networks.connect("second", "box", NetworkRequest.of(""));
    networks.disconnect("routed", "box", false);
    assertEquals(List.of("0.0.0.0:0>10.9.3.2:80"), seen("box"));
    assertOpen("routed", List.of());
    assertOpen("second", tcp("10.9.3.2", 80));
    networks.connect("plain", "box", NetworkRequest.of(""));
    networks.disconnect("second", "box", false);
    assertEquals(List.of("127.0.0.1:" + port + ">10.9.2.2:80"), seen("box"));
    assertOpen("second", List.of());
    networks.connect("routed", "box", NetworkRequest.of(""));
    networks.disconnect("plain", "box", false);
    networks.disconnect("routed", "box", false);
    assertEquals(List.of(), seen("box"));
    assertOpen("routed", List.of());
  }

  @Test
  void anAddressThatIsStillOpenIsNobodyElses() {
    started("box", "routed", wish(80, "", ""));
    driver.openFailure = FULL;
    engine.containers.stop("box", "KILL", null);
    Await.until("the driver was to be told", () -> driver.openFailure == null);
    started("next", "routed");
    assertNotEquals("10.9.1.2", address("next"));
    started("served", "routed", wish(81, "", "")); // with it the driver is told again
    assertOpen("routed", tcp(address("served"), 81));
    started("last", "routed");
    assertEquals("10.9.1.2", address("last"));
  }

  private String address(String ref) {
    return engine.containers.inspect(ref).networks().get("routed").address();
  }

  @Test
  void aStartThatTheDriverRefusesLeavesNothingOpen() {
    made("box", "routed", wish(80, "", ""));
    driver.openFailure = FULL;
    assertThrows(GantryException.class, () -> engine.containers.start("box"));
    assertOpen("routed", List.of());
    engine.containers.start("box");
    assertOpen("routed", tcp("10.9.1.2", 80));
  }

  @Test
  void aChangeThatWasNotFinishedIsTakenBack() {
    started("box", "routed", wish(80, "0.0.0.0", ""));
    ports.publish("box", List.of(wish(81, "0.0.0.0", "")));
    String id = engine.containers.inspect("box").id();
    engine.close();
    var records =
        new ContainerRecords(home.place(), Runnable::run, new SpareDisk(home.place().dataRoot()));
    var record = records.load().containers().get(id);
    records.put(record.publishing(List.of(wish(80, "0.0.0.0", "")))); // as if it had died before
    engine = open();
    Await.until("it is told", () -> driver.ports.get("routed").equals(tcp("10.9.1.2", 80)));
    assertOpen("routed", tcp("10.9.1.2", 80));
    assertEquals(List.of("0.0.0.0:0>10.9.1.2:80"), seen("box"));
  }
}
