package io.gantry.portmap.nat;

import static io.gantry.spi.testkit.NetworkSandbox.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.network.PortMapping;
import io.gantry.spi.testkit.NetworkSandbox;
import io.gantry.spi.testkit.NetworkSandbox.Box;
import io.gantry.spi.testkit.NetworkSandbox.Server;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Where packets for published ports go. */
@Tag("root")
class NatMapperTest {
  private static final String TABLE = "gantry-0123abcd-nat";
  private static final String HOST = "198.51.100.1";
  private static final String OUTSIDE = "198.51.100.2";
  private static final int PORT = 80;

  private NetworkSandbox sandbox;
  private Box host;
  private Box outside;
  private Box one;
  private Box two;
  private NatMapper mapper;

  @BeforeEach
  void start() throws IOException {
    sandbox = new NetworkSandbox();
    host = sandbox.host();
    outside = cable("out0", HOST + "/30", "fd00:51::1/64", OUTSIDE + "/30", "fd00:51::2/64");
    one = cable("one0", "10.50.0.1/24", "fd00:50::1/64", "10.50.0.2/24", "fd00:50::2/64");
    two = cable("two0", "10.60.0.1/24", "fd00:60::1/64", "10.60.0.2/24", "fd00:60::2/64");
    host.exec("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward");
    host.exec("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
    mapper = new NatMapper("0123abcd", false);
    host.run(() -> mapper.recover(List.of()));
  }

  /** A namespace that has its default route by the host. */
  private Box cable(String name, String here, String here6, String there, String there6)
      throws IOException {
    var box = sandbox.box();
    String pid = Long.toString(box.pid());
    host.exec("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", pid);
    host.exec("ip", "addr", "add", here, "dev", name);
    host.exec("ip", "addr", "add", here6, "dev", name, "nodad");
    host.exec("ip", "link", "set", name, "up");
    box.exec("ip", "addr", "add", there, "dev", "eth0");
    box.exec("ip", "addr", "add", there6, "dev", "eth0", "nodad");
    box.exec("ip", "link", "set", "eth0", "up");
    box.exec("ip", "route", "add", "default", "via", here.replaceFirst("/.*", ""));
    box.exec("ip", "-6", "route", "add", "default", "via", here6.replaceFirst("/.*", ""));
    return box;
  }

  @AfterEach
  void end() {
    mapper.letGo();
    sandbox.close();
  }

  private void map(PortMapping... ports) {
    host.call(() -> mapper.map(List.of(ports)));
  }

  private static PortMapping tcp(String hostAddress, int hostPort, String address) {
    return new PortMapping(hostAddress + hostPort, "tcp", hostAddress, hostPort, address, PORT);
  }

  private static void assertReaches(Box client, String address, int port, String seenAs) {
    eventually(seenAs + " is seen", () -> client.ask(address, port).equals(seenAs));
  }

  @Test
  void aPortIsReachedOnEveryAddressAndSeesWhoAsks() throws IOException {
    try (Server server = one.serve(PORT)) {
      map(tcp("0.0.0.0", 8080, "10.50.0.2"), tcp("::", 8080, "fd00:50::2"));
      assertReaches(outside, HOST, 8080, OUTSIDE);
      assertReaches(outside, "fd00:51::1", 8080, "fd00:51:0:0:0:0:0:2");
      assertReaches(two, HOST, 8080, "10.60.0.2");
      assertReaches(two, "10.60.0.1", 8080, "10.60.0.2");
      assertReaches(host, HOST, 8080, HOST);
      assertEquals("", outside.ask(HOST, 8081));
      host.run(() -> mapper.unmap(List.of(tcp("0.0.0.0", 8080, "10.50.0.2"))));
      assertEquals("", outside.ask(HOST, 8080));
      assertReaches(outside, "fd00:51::1", 8080, "fd00:51:0:0:0:0:0:2");
    }
  }

  @Test
  void aPortOfOneAddressIsThatAddressesAlone() throws IOException {
    try (Server a = one.serve(PORT);
        Server b = two.serve(PORT)) {
      map(tcp("10.60.0.1", 8080, "10.50.0.2"), tcp("127.0.0.1", 8081, "10.50.0.2"));
      assertEquals("", outside.ask(HOST, 8080));
      assertReaches(outside, "10.60.0.1", 8080, OUTSIDE);
      map(tcp(HOST, 8080, "10.60.0.2"));
      assertReaches(outside, HOST, 8080, OUTSIDE);
      assertEquals("", outside.ask(HOST, 8081));
    }
  }

  @Test
  void whoAsksByLoopbackMeetsTheListener() throws IOException {
    try (Server server = one.serve(PORT);
        Server listener = host.serve(8080)) {
      map(tcp("0.0.0.0", 8080, "10.50.0.2"));
      assertReaches(outside, HOST, 8080, OUTSIDE);
      assertReaches(host, "127.0.0.1", 8080, "127.0.0.1");
      host.exec("nft", "flush", "ruleset"); // then it is met by all, until the rules are back
      assertReaches(outside, HOST, 8080, OUTSIDE);
    }
  }

  @Test
  void aPortThatLeadsElsewhereIsTurnedRound() throws IOException {
    try (Server server = two.serve(PORT)) {
      map(tcp("0.0.0.0", 8080, "10.50.0.2"));
      assertEquals("", outside.ask(HOST, 8080));
      map(tcp("0.0.0.0", 8080, "10.60.0.2"));
      assertReaches(outside, HOST, 8080, OUTSIDE);
      host.run(() -> mapper.unmap(List.of(tcp("0.0.0.0", 8080, "10.50.0.2"))));
      assertReaches(outside, HOST, 8080, OUTSIDE);
    }
  }

  @Test
  void datagramsComeAndGo() throws IOException {
    map(new PortMapping("dns", "udp", "0.0.0.0", 5353, "10.50.0.2", 53));
    try (var server = one.call(() -> new DatagramSocket(53));
        var client = outside.call(() -> new DatagramSocket())) {
      server.setSoTimeout(5000);
      client.setSoTimeout(5000);
      var there = new InetSocketAddress(InetAddress.getByName(HOST), 5353);
      client.send(new DatagramPacket(new byte[] {1}, 1, there));
      var got = new DatagramPacket(new byte[10], 10);
      server.receive(got);
      assertEquals(OUTSIDE, got.getAddress().getHostAddress());
      server.send(new DatagramPacket(new byte[] {2}, 1, got.getSocketAddress()));
      client.receive(got);
      assertEquals(2, got.getData()[0]);
      assertEquals(there, got.getSocketAddress());
    }
  }

  @Test
  void aClientThatGoesOnSendingReachesTheNextContainer() throws IOException {
    var first = new PortMapping("dns", "udp", "0.0.0.0", 5353, "10.50.0.2", 53);
    var second = new PortMapping("dns", "udp", "0.0.0.0", 5353, "10.60.0.2", 53);
    try (var old = one.call(() -> new DatagramSocket(53));
        var next = two.call(() -> new DatagramSocket(53));
        var client = outside.call(() -> new DatagramSocket())) {
      var there = new InetSocketAddress(InetAddress.getByName(HOST), 5353);
      old.setSoTimeout(50);
      next.setSoTimeout(50);
      eventually("the listener's flow is forgotten", () -> arrives(client, there, old, first));
      host.run(() -> mapper.unmap(List.of(first)));
      eventually("so is the first container's", () -> arrives(client, there, next, second));
    }
  }

  /** Whether a datagram of the client arrives at a server, once the port is published. */
  private boolean arrives(
      DatagramSocket client, InetSocketAddress there, DatagramSocket server, PortMapping port) {
    try {
      client.send(new DatagramPacket(new byte[] {1}, 1, there));
      map(port);
      server.receive(new DatagramPacket(new byte[10], 10));
      return true;
    } catch (IOException e) {
      return false; // not this one
    }
  }

  @Test
  void rulesDoNotGrowWithPorts() {
    var ports = new ArrayList<PortMapping>();
    for (int i = 1; i <= 1000; i++) {
      ports.add(tcp("0.0.0.0", 10000 + i, "10.50.0.2"));
      ports.add(new PortMapping("s" + i, "sctp", HOST, 10000 + i, "10.50.0.2", i));
    }
    host.call(() -> mapper.map(ports));
    String listed = host.exec("nft", "list", "table", "inet", TABLE);
    assertEquals(10, listed.lines().filter(line -> line.contains(" comment ")).count());
    assertTrue(listed.contains("198.51.100.1 . sctp . 10007 : 10.50.0.2 . 7"));
    host.run(() -> mapper.unmap(ports));
    assertEquals("0", mapper.status().get("Ports"));
  }

  @Test
  void whatCouldNotBeTakenAwayMayBeAskedForOnceMore() {
    var port = tcp("0.0.0.0", 8080, "10.50.0.2");
    map(port);
    String table = "inet gantry-0123abcd-nat";
    host.exec("nft", "delete", "table", "inet", "gantry-0123abcd-nat");
    host.exec("nft", "table " + table + " { map any4 { type ipv4_addr : verdict; }; }");
    assertThrows(GantryException.class, () -> host.run(() -> mapper.unmap(List.of(port))));
    assertEquals("1", mapper.status().get("Ports"));
    host.exec("nft", "delete", "table", "inet", "gantry-0123abcd-nat");
    host.run(() -> mapper.unmap(List.of(port)));
    assertEquals("0", mapper.status().get("Ports"));
  }

  @Test
  void portsThatSomebodyTakesAwayAreSetAgain() {
    var watching = new NatMapper("77777777", true);
    try {
      host.call(() -> watching.map(List.of(tcp("0.0.0.0", 8080, "10.50.0.2"))));
      String whole = host.exec("nft", "list", "ruleset");
      host.exec("nft", "flush", "ruleset");
      host.call(() -> watching.map(List.of(tcp("0.0.0.0", 8080, "10.50.0.2"))));
      eventually("they are back", () -> host.exec("nft", "list", "ruleset").equals(whole));
      host.exec("nft", "flush", "map", "inet", "gantry-77777777-nat", "any4");
      eventually("they are back", () -> host.exec("nft", "list", "ruleset").equals(whole));
      host.exec("nft", "flush", "ruleset");
      host.call(() -> watching.map(List.of(tcp("0.0.0.0", 8081, "10.50.0.2"))));
      String more = host.exec("nft", "list", "ruleset");
      assertTrue(more.contains("tcp . 8080 : 10.50.0.2 . 80"), more);
      assertTrue(more.contains("tcp . 8081 : 10.50.0.2 . 80"), more);
    } finally {
      watching.letGo();
    }
  }
}
