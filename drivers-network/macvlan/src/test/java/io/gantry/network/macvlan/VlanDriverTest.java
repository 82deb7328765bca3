package io.gantry.network.macvlan;

import static io.gantry.spi.testkit.NetworkSandbox.eventually;
import static io.gantry.spi.testkit.NetworkSandbox.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.netlink.RouteSocket;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Attachment.Route;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.Network.Subnet;
import io.gantry.spi.testkit.NetworkSandbox;
import io.gantry.spi.testkit.NetworkSandbox.Box;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Containers on the network of an interface of the host, and what becomes of the interfaces. */
@Tag("root")
class VlanDriverTest {
  private static final String INSTANCE = "0123abcd";
  private static final int PORT = 80;

  private NetworkSandbox sandbox;
  private Box host;
  private Box outside;
  private MacvlanDriver driver;
  private IpvlanDriver ipvlan;

  @BeforeEach
  void start() throws IOException {
    sandbox = new NetworkSandbox();
    host = sandbox.host();
    outside = sandbox.box();
    String pid = Long.toString(outside.pid());
    host.exec("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", pid);
    host.exec("ip", "addr", "add", "10.91.0.5/24", "dev", "lan0");
    host.exec("ip", "link", "set", "lan0", "up");
    outside.exec("ip", "addr", "add", "10.91.0.1/24", "dev", "eth0");
    outside.exec("ip", "link", "set", "eth0", "up");
    driver = new MacvlanDriver(INSTANCE);
    ipvlan = new IpvlanDriver(INSTANCE);
    host.run(() -> driver.recover(List.of(), List.of()));
  }

  @AfterEach
  void end() {
    driver.letGo();
    ipvlan.letGo();
    sandbox.close();
  }

  private static Network network(int number, boolean internal, String... options) {
    var map = new HashMap<String, String>();
    for (int i = 0; i < options.length; i += 2) {
      map.put(options[i], options[i + 1]);
    }
    var subnet = new Subnet("10.91.0.0/24", "10.91.0.1");
    return new Network(id(number), "net" + number, List.of(subnet), internal, map);
  }

  private static Endpoint endpoint(Box box, int number) {
    return new Endpoint(
        id(0x40 + number),
        box.pid(),
        box.path(),
        List.of("10.91.0." + (10 + number) + "/24"),
        "",
        Map.of(),
        7,
        "eth0");
  }

  private Attachment join(Network network, Box box, int number) {
    var attachment = host.call(() -> driver.attach(network, endpoint(box, number)));
    box.apply(attachment);
    return attachment;
  }

  private static void assertReaches(Box client, String address, String seenAs) {
    eventually(seenAs + " is seen", () -> client.ask(address, PORT).equals(seenAs));
  }

  private void refused(String message, String... options) {
    var e =
        assertThrows(
            GantryException.class, () -> host.run(() -> driver.create(network(9, false, options))));
    assertEquals(message, e.getMessage());
    assertEquals(Kind.INVALID, e.kind());
  }

  @Test
  void containersAreNeighboursOfWhoIsOnTheParentsNetwork() throws IOException {
    var network = network(1, false, "parent", "lan0");
    var before = host.state();
    host.run(() -> driver.create(network));
    var one = sandbox.box();
    var two = sandbox.box();
    var attached = join(network, one, 1);
    join(network, two, 2);
    assertEquals(before, host.state(), "nothing of it is on the host");
    assertEquals(List.of(new Route(7, "default", "10.91.0.1")), attached.routes());
    try (var server = outside.serve(PORT);
        var inside = two.serve(PORT)) {
      assertReaches(one, "10.91.0.1", "10.91.0.11");
      assertReaches(outside, "10.91.0.12", "10.91.0.1");
      assertReaches(one, "10.91.0.12", "10.91.0.11");
      assertEquals("", host.ask("10.91.0.12", PORT), "the host itself is no neighbour");
    }
    host.run(() -> driver.remove(network));
    assertTrue(host.exec("ip", "link").contains("lan0"), "the parent is not ours");
  }

  @Test
  void privateOnesDoNotReachEachOther() throws IOException {
    var network = network(1, false, "parent", "lan0", "macvlan_mode", "private");
    host.run(() -> driver.create(network));
    var one = sandbox.box();
    var two = sandbox.box();
    join(network, one, 1);
    join(network, two, 2);
    assertTrue(two.exec("ip", "-d", "link", "show", "eth0").contains("macvlan mode private"));
    try (var inside = two.serve(PORT)) {
      assertReaches(outside, "10.91.0.12", "10.91.0.1");
      assertEquals("", one.ask("10.91.0.12", PORT));
    }
  }

  @Test
  void internalOnesHaveNoWayOut() throws IOException {
    var network = network(1, true, "parent", "lan0");
    host.run(() -> driver.create(network));
    assertEquals(List.of(), join(network, sandbox.box(), 1).routes());
    var alone = network(2, false);
    host.run(() -> driver.create(alone));
    assertEquals(List.of(), join(alone, sandbox.box(), 2).routes());
  }

  @Test
  void aVlanIsMadeWhereTheParentIsNamedSo() {
    var network = network(1, false, "parent", "lan0.42");
    assertFalse(host.exec("ip", "link").contains("lan0.42"));
    try {
      host.run(() -> driver.create(network));
    } catch (GantryException e) { // of the kernel's configuration
      assertTrue(e.getMessage().contains("make the link lan0.42"), e.getMessage());
      assertFalse(host.exec("ip", "link").contains("lan0.42"));
      return;
    }
    String made = host.exec("ip", "-d", "link", "show", "lan0.42");
    assertTrue(made.contains("vlan protocol 802.1Q id 42"), made);
    assertTrue(made.contains("alias gantry-0123abcd macvlan network " + id(1)), made);
    host.run(() -> driver.remove(network));
    assertFalse(host.exec("ip", "link").contains("lan0.42"));
  }

  /** As one that was made, on a kernel without VLANs, too. */
  @Test
  void aParentThatWasMadeStaysWithTheLastNetworkOnIt() {
    var first = network(1, false, "parent", "lan0.42");
    var second = network(2, false, "parent", "lan0.42");
    host.exec("ip", "link", "add", "lan0.42", "type", "veth", "peer", "name", "far");
    String mark = "gantry-0123abcd macvlan network ";
    host.exec("ip", "link", "set", "lan0.42", "up", "alias", mark + id(1));
    host.run(() -> driver.create(first));
    host.run(() -> driver.create(second));
    host.run(() -> driver.remove(first));
    assertTrue(host.exec("ip", "link", "show", "lan0.42").contains(mark + id(2)));
    host.exec("ip", "link", "set", "lan0.42", "alias", mark + id(1));
    host.run(() -> driver.recover(List.of(second), List.of()));
    assertTrue(host.exec("ip", "link", "show", "lan0.42").contains(mark + id(2)));
    host.run(() -> driver.remove(second));
    assertFalse(host.exec("ip", "link").contains("lan0.42"));
  }

  @Test
  void whatDockerdRefusesIsRefused() {
    refused("requested parent interface no0 was not found on this host", "parent", "no0");
    refused("requested parent interface no0.5 was not found on this host", "parent", "no0.5");
    refused("loopback interface is not a valid macvlan parent link", "parent", "lo");
    refused(
        "requested macvlan mode 'hairpin' is not valid, 'bridge' is the default",
        "parent",
        "lan0",
        "macvlan_mode",
        "hairpin");
    refused(
        "unknown option of the network net9: ipvlan_mode", "parent", "lan0", "ipvlan_mode", "l3");
    assertFalse(host.exec("ip", "link").contains("dm-"));
  }

  @Test
  void linksInContainersAreFoundAgainByTheNextDriver() throws IOException {
    var network = network(1, false, "parent", "lan0");
    host.run(() -> driver.create(network));
    var one = sandbox.box();
    var two = sandbox.box();
    var kept = join(network, one, 1);
    join(network, two, 2);
    driver.letGo();
    driver = new MacvlanDriver(INSTANCE);
    var found = host.call(() -> driver.recover(List.of(network), List.of(kept)));
    assertTrue(found.alive().contains(kept.endpoint()));
    assertEquals(List.of("interface eth0"), found.swept());
    assertTrue(one.links().stream().anyMatch(link -> link.name().equals("eth0")));
    assertTrue(two.links().stream().noneMatch(link -> link.name().equals("eth0")));
    one.end();
    eventually(
        "its namespace is gone",
        () ->
            host.call(() -> driver.recover(List.of(network), List.of(kept)))
                .lost()
                .contains(kept.endpoint()));
  }

  // ipvlan, which not every kernel has

  @Test
  void ipvlanIsRefusedInTheWordsOfItsProbeWhereTheKernelHasNone() throws IOException {
    var network = network(1, false, "parent", "lan0", "ipvlan_mode", "l2");
    var support = host.call(ipvlan::probe);
    host.run(() -> ipvlan.create(network));
    var box = sandbox.box();
    var before = host.state();
    if (!support.available()) {
      assertEquals("this kernel has no ipvlan", support.reason());
      var e =
          assertThrows(
              GantryException.class,
              () -> host.call(() -> ipvlan.attach(network, endpoint(box, 1))));
      assertTrue(e.getMessage().startsWith("make the link gy"), e.getMessage());
      assertEquals(before, host.state());
      return;
    }
    box.apply(host.call(() -> ipvlan.attach(network, endpoint(box, 1))));
    try (var server = outside.serve(PORT)) {
      assertReaches(box, "10.91.0.1", "10.91.0.11");
    }
  }

  @Test
  void theKernelSaysWhichKindsItMakes() {
    host.run(
        () -> {
          try (var socket = RouteSocket.open()) {
            assertEquals(driver.probe().available(), socket.makes("macvlan"));
            assertFalse(socket.makes("nosuchkind"));
          }
        });
  }
}
