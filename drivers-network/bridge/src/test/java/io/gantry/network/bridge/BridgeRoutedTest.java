package io.gantry.network.bridge;

import static io.gantry.spi.testkit.NetworkSandbox.eventually;
import static io.gantry.spi.testkit.NetworkSandbox.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.netlink.Cidr;
import io.gantry.network.bridge.BridgeDriver.Settings;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.Network.Port;
import io.gantry.spi.network.Network.Subnet;
import io.gantry.spi.testkit.NetworkSandbox;
import io.gantry.spi.testkit.NetworkSandbox.Box;
import io.gantry.spi.testkit.NetworkSandbox.Server;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Who comes to containers' own addresses, and under which these go out. */
@Tag("root")
class BridgeRoutedTest {
  private static final Settings SETTINGS = new Settings("gantry0", true, true, true, true);
  private static final String BRIDGE = "com.docker.network.bridge.";
  private static final Map<String, String> ROUTED =
      Map.of(BRIDGE + "gateway_mode_ipv4", "routed", BRIDGE + "gateway_mode_ipv6", "routed");
  private static final int PORT = 80;
  private static final int OTHER = 81;

  private final List<BridgeDriver> drivers = new ArrayList<>();
  private final List<Attachment> attachments = new ArrayList<>();
  private NetworkSandbox sandbox;
  private Box host;
  private Box outside;
  private BridgeDriver driver;

  /** A container, and the addresses it has. */
  private record Member(Box box, String ipv4, String ipv6) {

    List<Port> ports(String protocol, int port) {
      return List.of(new Port(ipv4, protocol, port), new Port(ipv6, protocol, port));
    }
  }

  @BeforeEach
  void start() throws IOException {
    sandbox = new NetworkSandbox();
    host = sandbox.host();
    outside = sandbox.box();
    String pid = Long.toString(outside.pid());
    host.exec("ip", "link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", pid);
    join(host, "out0", "1");
    join(outside, "eth0", "2");
    outside.exec("ip", "route", "add", "10.0.0.0/8", "via", "198.51.100.1");
    outside.exec("ip", "route", "add", "fd00::/16", "via", "fd99::1");
    driver = driver(List.of());
  }

  private static void join(Box box, String link, String number) {
    box.exec("ip", "addr", "add", "198.51.100." + number + "/30", "dev", link);
    box.exec("ip", "addr", "add", "fd99::" + number + "/64", "dev", link, "nodad");
    box.exec("ip", "link", "set", link, "up");
  }

  private BridgeDriver driver(List<Network> networks) {
    var made = new BridgeDriver("0123abcd", SETTINGS);
    drivers.add(made);
    host.run(() -> made.recover(networks, attachments));
    return made;
  }

  @AfterEach
  void end() {
    drivers.forEach(BridgeDriver::letGo);
    sandbox.close();
  }

  private static Network network(int number, Map<String, String> options, List<Port> ports) {
    String v4 = "10.9" + number + ".0.";
    String v6 = "fd00:" + number + "::";
    var subnets = List.of(new Subnet(v4 + "0/24", v4 + "1"), new Subnet(v6 + "/64", v6 + "1"));
    return new Network(id(number), "net" + number, subnets, false, options, List.of(), ports);
  }

  private Network made(int number, Map<String, String> options) {
    var network = network(number, options, List.of());
    host.run(() -> driver.create(network));
    return network;
  }

  private Member join(Network network) throws IOException {
    var box = sandbox.box();
    int number = 11 + attachments.size();
    var net = network.subnets();
    var member =
        new Member(
            box,
            net.get(0).gateway().replaceFirst("1$", Integer.toString(number)),
            net.get(1).gateway().replaceFirst("1$", Integer.toString(number)));
    var endpoint =
        new Endpoint(
            id(0x40 + number),
            box.pid(),
            box.path(),
            List.of(member.ipv4() + "/24", member.ipv6() + "/64"),
            "",
            Map.of(),
            5,
            "eth0");
    var attachment = host.call(() -> driver.attach(network, endpoint));
    box.apply(attachment);
    attachments.add(attachment);
    return member;
  }

  private void open(int number, Map<String, String> options, List<Port> ports) {
    host.run(() -> driver.open(network(number, options, ports)));
  }

  private static boolean reaches(Box client, String address, int port) {
    return !client.ask(address, port).isEmpty();
  }

  /** By both families, as soon as neighbours know each other. */
  private static void assertReaches(Box client, Member server, int port) {
    eventually(server.ipv4() + " is reached", () -> reaches(client, server.ipv4(), port));
    eventually(server.ipv6() + " is reached", () -> reaches(client, server.ipv6(), port));
  }

  private static void assertCannotReach(Box client, Member server, int port) {
    assertEquals("", client.ask(server.ipv4(), port));
    assertEquals("", client.ask(server.ipv6(), port));
  }

  @Test
  void publishedPortsAreReachedFromOutsideAndFromOtherNetworks() throws IOException {
    var network = made(1, ROUTED);
    var server = join(network);
    var neighbour = join(network);
    var stranger = join(made(2, Map.of()));
    try (Server a = server.box().serve(PORT);
        Server b = server.box().serve(OTHER);
        Server c = neighbour.box().serve(PORT)) {
      assertReaches(host, server, PORT);
      assertCannotReach(outside, server, PORT);
      open(1, ROUTED, server.ports("tcp", PORT));
      assertReaches(outside, server, PORT);
      assertEquals("198.51.100.2", outside.ask(server.ipv4(), PORT));
      assertReaches(stranger.box(), server, PORT);
      assertCannotReach(outside, server, OTHER);
      assertCannotReach(stranger.box(), server, OTHER);
      assertCannotReach(outside, neighbour, PORT);
      assertReaches(neighbour.box(), server, OTHER);
      open(1, ROUTED, neighbour.ports("tcp", PORT));
      assertReaches(outside, neighbour, PORT);
      assertCannotReach(outside, server, PORT);
      open(1, ROUTED, server.ports("udp", PORT));
      assertCannotReach(outside, server, PORT);
    }
  }

  /** The host looks for no neighbour under an address that may be another's. */
  @Test
  void theFirstPacketOfIpv6NeedNotWait() throws IOException {
    var server = join(made(1, ROUTED));
    open(1, ROUTED, server.ports("tcp", PORT));
    String addresses = host.exec("ip", "-6", "addr", "show", "dev", "br-01ababababab");
    assertTrue(addresses.contains(" fe80:"), addresses);
    assertFalse(addresses.contains("tentative"), addresses);
  }

  @Test
  void theOtherFamilyIsAsItsModeSays() throws IOException {
    var six = Map.of(BRIDGE + "gateway_mode_ipv6", "routed");
    var server = join(made(1, six));
    try (Server a = server.box().serve(PORT)) {
      open(1, six, server.ports("tcp", PORT));
      eventually("it is reached", () -> reaches(outside, server.ipv6(), PORT));
      assertEquals("", outside.ask(server.ipv4(), PORT));
      assertTrue(outside.call(() -> Cidr.address(server.ipv6()).isReachable(3000)));
      assertFalse(outside.call(() -> Cidr.address(server.ipv4()).isReachable(300)));
    }
  }

  @Test
  void containersThatAreKeptApartStaySo() throws IOException {
    var apart = new HashMap<>(ROUTED);
    apart.put(BRIDGE + "enable_icc", "false");
    var network = made(1, apart);
    var server = join(network);
    var neighbour = join(network);
    neighbour.box().exec("ip", "route", "add", server.ipv4(), "via", "10.91.0.1");
    neighbour.box().exec("ip", "route", "add", server.ipv6(), "via", "fd00:1::1");
    try (Server a = server.box().serve(PORT)) {
      open(1, apart, server.ports("tcp", PORT));
      assertReaches(outside, server, PORT);
      assertCannotReach(neighbour.box(), server, PORT);
    }
  }

  @Test
  void neighboursOfATrustedInterfaceComeToPublishedPorts() throws IOException {
    var trusting = Map.of(BRIDGE + "trusted_host_interfaces", "nosuch0:out0");
    var server = join(made(1, trusting));
    var stranger = join(made(2, Map.of()));
    try (Server a = server.box().serve(PORT);
        Server b = server.box().serve(OTHER)) {
      assertCannotReach(outside, server, PORT);
      open(1, trusting, server.ports("tcp", PORT));
      assertReaches(outside, server, PORT);
      assertCannotReach(outside, server, OTHER);
      assertCannotReach(stranger.box(), server, PORT);
      open(1, trusting, List.of());
      assertCannotReach(outside, server, PORT);
    }
  }

  @Test
  void aNetworkMayGoOutUnderAnotherAddressOfTheHost() throws IOException {
    host.exec("ip", "addr", "add", "203.0.113.9/32", "dev", "lo");
    host.exec("ip", "addr", "add", "fd98::9/128", "dev", "lo");
    outside.exec("ip", "route", "add", "203.0.113.0/24", "via", "198.51.100.1");
    outside.exec("ip", "route", "add", "fd98::/64", "via", "fd99::1");
    var under =
        Map.of(
            "com.docker.network.host_ipv4",
            "203.0.113.9",
            "com.docker.network.host_ipv6",
            "fd98::9");
    var client = join(made(1, under));
    var plain = join(made(2, Map.of()));
    try (Server a = outside.serve(PORT)) {
      for (Member one : List.of(client, plain)) {
        assertReaches(one.box(), new Member(outside, "198.51.100.2", "fd99::2"), PORT);
      }
      assertEquals("203.0.113.9", client.box().ask("198.51.100.2", PORT));
      assertEquals(Cidr.address("fd98::9"), Cidr.address(client.box().ask("fd99::2", PORT)));
      assertEquals("198.51.100.1", plain.box().ask("198.51.100.2", PORT));
      assertEquals(Cidr.address("fd99::1"), Cidr.address(plain.box().ask("fd99::2", PORT)));
    }
  }

  @Test
  void aNewDriverLetsInWhatIsPublishedByThen() throws IOException {
    var server = join(made(1, ROUTED));
    var ports = server.ports("tcp", PORT);
    open(1, ROUTED, ports);
    try (Server a = server.box().serve(PORT)) {
      assertReaches(outside, server, PORT);
      driver.letGo();
      assertReaches(outside, server, PORT);
      driver = driver(List.of(network(1, ROUTED, ports)));
      assertReaches(outside, server, PORT);
      driver.letGo();
      driver = driver(List.of(network(1, ROUTED, List.of())));
      assertCannotReach(outside, server, PORT);
    }
  }

  @Test
  void portsThatSomebodyTakesAwayComeBack() throws IOException {
    var server = join(made(1, ROUTED));
    open(1, ROUTED, server.ports("tcp", PORT));
    String whole = host.exec("nft", "list", "ruleset");
    try (Server a = server.box().serve(PORT)) {
      for (String command :
          List.of("flush ruleset", "flush set inet gantry-0123abcd-bridge published6")) {
        host.exec("nft", command);
        eventually("they are back", () -> host.exec("nft", "list", "ruleset").equals(whole));
        assertReaches(outside, server, PORT);
        assertCannotReach(outside, server, OTHER);
      }
    }
  }
}
