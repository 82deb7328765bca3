package io.gantry.network.bridge;

import static io.gantry.spi.testkit.NetworkSandbox.eventually;
import static io.gantry.spi.testkit.NetworkSandbox.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.netlink.Cidr;
import io.gantry.network.bridge.BridgeDriver.Settings;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
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

/** Who reaches whom, and what happens to rules and bridges that others touch. */
@Tag("root")
class BridgeDriverTest {
  private static final String INSTANCE = "0123abcd";
  private static final String TABLE = "gantry-0123abcd-bridge";
  private static final String HOST = "198.51.100.1";
  private static final String OUTSIDE = "198.51.100.2";
  private static final String BRIDGE = "com.docker.network.bridge.";
  private static final int PORT = 80;

  private final List<BridgeDriver> drivers = new ArrayList<>();
  private NetworkSandbox sandbox;
  private Box host;
  private Box outside;
  private BridgeDriver driver;
  private int endpoints;

  /** A container, and the address it has. */
  private record Member(Box box, Attachment attachment, String address) {}

  @BeforeEach
  void start() throws IOException {
    sandbox = new NetworkSandbox();
    host = sandbox.host();
    outside = sandbox.box();
    String pid = Long.toString(outside.pid());
    host.exec("ip", "link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", pid);
    host.exec("ip", "addr", "add", HOST + "/30", "dev", "out0");
    host.exec("ip", "link", "set", "out0", "up");
    outside.exec("ip", "addr", "add", OUTSIDE + "/30", "dev", "eth0");
    outside.exec("ip", "link", "set", "eth0", "up");
    outside.exec("ip", "route", "add", "10.0.0.0/8", "via", HOST);
    driver = driver(INSTANCE, new Settings("gantry0", true, true, true, false));
  }

  private BridgeDriver driver(String instance, Settings settings) {
    var made = new BridgeDriver(instance, settings);
    drivers.add(made);
    host.run(() -> made.recover(List.of(), List.of()));
    return made;
  }

  @AfterEach
  void end() {
    drivers.forEach(BridgeDriver::letGo);
    sandbox.close();
  }

  private Network network(int number, boolean internal, String... options) {
    return network(driver, number, internal, options);
  }

  private Network network(BridgeDriver by, int number, boolean internal, String... options) {
    var map = new HashMap<String, String>();
    for (int i = 0; i < options.length; i += 2) {
      map.put(options[i], options[i + 1]);
    }
    var subnet = new Subnet("10.9" + number + ".0.0/16", "10.9" + number + ".0.1");
    var network = new Network(id(number), "net" + number, List.of(subnet), internal, map);
    host.run(() -> by.create(network));
    return network;
  }

  private Member join(Network network) throws IOException {
    var box = sandbox.box();
    String net = network.subnets().get(0).cidr().replaceFirst("0.0/.*", "");
    String address = net + "0." + (endpoints + 11);
    var attachment = host.call(() -> driver.attach(network, endpoint(box, address)));
    box.apply(attachment);
    return new Member(box, attachment, address);
  }

  private Endpoint endpoint(Box box, String address) {
    return new Endpoint(
        id(0x40 + ++endpoints),
        box.pid(),
        box.path(),
        List.of(address + "/16"),
        "",
        Map.of(),
        5,
        "eth0");
  }

  private static void assertReaches(Box client, String address, int port, String seenAs) {
    eventually(seenAs + " is seen", () -> client.ask(address, port).equals(seenAs));
  }

  private static void assertCannotReach(Box client, String address, int port) {
    assertEquals("", client.ask(address, port));
  }

  /** As a port mapper does. */
  private void publish(int port, Member member) {
    host.exec(
        "nft",
        "table ip ports { chain pre { type nat hook prerouting priority dstnat; fib daddr type local"
            + " tcp dport "
            + port
            + " dnat to "
            + member.address()
            + ":"
            + PORT
            + "; }; }");
  }

  @Test
  void containersGoOutUnderTheAddressOfTheHost() throws IOException {
    var member = join(network(1, false));
    var plain = join(network(2, false, BRIDGE + "enable_ip_masquerade", "false"));
    try (Server server = outside.serve(PORT)) {
      assertReaches(member.box(), OUTSIDE, PORT, HOST);
      assertReaches(plain.box(), OUTSIDE, PORT, plain.address());
    }
  }

  @Test
  void onlyPublishedPortsAreReachedFromOutsideAndFromOtherNetworks() throws IOException {
    var served = join(network(1, false));
    var stranger = join(network(2, false));
    var neighbour = join(new Network(id(1), "net1", served(1), false, Map.of()));
    try (Server server = served.box().serve(PORT)) {
      assertReaches(neighbour.box(), served.address(), PORT, neighbour.address());
      assertReaches(host, served.address(), PORT, "10.91.0.1");
      assertCannotReach(outside, served.address(), PORT);
      assertCannotReach(stranger.box(), served.address(), PORT);
      publish(8080, served);
      assertReaches(outside, HOST, 8080, OUTSIDE);
      assertReaches(stranger.box(), HOST, 8080, "10.91.0.1");
      assertReaches(neighbour.box(), HOST, 8080, "10.91.0.1");
      assertReaches(served.box(), "10.91.0.1", 8080, "10.91.0.1");
      assertCannotReach(outside, served.address(), PORT);
    }
  }

  private static List<Subnet> served(int number) {
    return List.of(new Subnet("10.9" + number + ".0.0/16", "10.9" + number + ".0.1"));
  }

  @Test
  void gatewayModesSayWhatComesIn() throws IOException {
    String mode = BRIDGE + "gateway_mode_ipv4";
    var routed = join(network(1, false, mode, "routed"));
    var unprotected = join(network(2, false, mode, "nat-unprotected"));
    var stranger = join(network(3, false));
    try (Server a = routed.box().serve(PORT);
        Server b = unprotected.box().serve(PORT);
        Server c = outside.serve(PORT)) {
      assertReaches(outside, unprotected.address(), PORT, OUTSIDE);
      assertCannotReach(stranger.box(), unprotected.address(), PORT);
      assertCannotReach(outside, routed.address(), PORT);
      assertTrue(outside.call(() -> Cidr.address(routed.address()).isReachable(3000)));
      assertFalse(outside.call(() -> Cidr.address(stranger.address()).isReachable(300)));
      assertReaches(routed.box(), OUTSIDE, PORT, routed.address());
      assertReaches(unprotected.box(), OUTSIDE, PORT, HOST);
    }
  }

  @Test
  void anInternalNetworkHasNoWayOut() throws IOException {
    var one = join(network(1, true));
    var two = join(new Network(id(1), "net1", served(1), true, Map.of()));
    var stranger = join(network(2, false));
    assertEquals(List.of(), one.attachment().routes());
    one.box().exec("ip", "route", "add", "default", "via", "10.91.0.1");
    try (Server server = outside.serve(PORT);
        Server inside = two.box().serve(PORT);
        Server other = stranger.box().serve(PORT)) {
      assertReaches(one.box(), two.address(), PORT, one.address());
      assertCannotReach(one.box(), OUTSIDE, PORT);
      assertCannotReach(one.box(), stranger.address(), PORT);
      assertCannotReach(outside, two.address(), PORT);
    }
  }

  @Test
  void withoutIccContainersDoNotMeet() throws IOException {
    var network = network(1, false, BRIDGE + "enable_icc", "false");
    var one = join(network);
    var two = join(network);
    try (Server server = one.box().serve(PORT);
        Server world = outside.serve(PORT)) {
      assertReaches(host, one.address(), PORT, "10.91.0.1");
      assertCannotReach(two.box(), one.address(), PORT);
      assertReaches(two.box(), OUTSIDE, PORT, HOST);
      publish(8080, one);
      assertReaches(outside, HOST, 8080, OUTSIDE);
      assertCannotReach(two.box(), one.address(), PORT);
    }
  }

  @Test
  void rulesOfTheOperatorCountAndStay() throws IOException {
    var one = join(network(1, false));
    try (Server server = outside.serve(PORT)) {
      assertReaches(one.box(), OUTSIDE, PORT, HOST);
      host.exec("nft", "insert", "rule", "inet", TABLE, "operator", "ip", "daddr", OUTSIDE, "drop");
      assertCannotReach(one.box(), OUTSIDE, PORT);
      var more = network(2, false);
      assertCannotReach(one.box(), OUTSIDE, PORT);
      host.run(() -> driver.remove(more));
      assertCannotReach(one.box(), OUTSIDE, PORT);
    }
  }

  @Test
  void rulesThatSomebodyTakesAwayAreSetAgain() throws IOException {
    var watching = driver("77777777", new Settings("gantry7", true, true, true, true));
    network(watching, 1, false);
    String whole = host.exec("nft", "list", "table", "inet", "gantry-77777777-bridge");
    host.exec("nft", "flush", "ruleset");
    eventually("they are back", () -> host.exec("nft", "list", "ruleset").equals(whole));
    host.exec("nft", "flush", "chain", "inet", "gantry-77777777-bridge", "forward");
    eventually("they are back", () -> host.exec("nft", "list", "ruleset").equals(whole));
    host.exec(
        "nft",
        "delete",
        "element",
        "inet",
        "gantry-77777777-bridge",
        "bridges",
        "{ \"br-01ababababab\" }");
    eventually("they are back", () -> host.exec("nft", "list", "ruleset").equals(whole));
    assertEquals("3", watching.status().get("Rules set again"));
    host.exec("nft", "add", "rule", "inet", "gantry-77777777-bridge", "operator", "counter");
    host.exec("nft", "add", "table", "ip", "theirs");
    host.run(() -> watching.remove(new Network(id(1), "net1", List.of(), false, Map.of())));
    String left = host.exec("nft", "list", "ruleset");
    assertTrue(left.contains("counter packets 0"), left);
    assertTrue(left.contains("table ip theirs"), left);
    assertEquals("3", watching.status().get("Rules set again"));
  }

  @Test
  void forwardingIsSwitchedOnForOurNetworksAlone() throws IOException {
    host.exec("sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward");
    var third = sandbox.box();
    String pid = Long.toString(third.pid());
    host.exec("ip", "link", "add", "out1", "type", "veth", "peer", "name", "eth0", "netns", pid);
    host.exec("ip", "addr", "add", "192.0.2.1/30", "dev", "out1");
    host.exec("ip", "link", "set", "out1", "up");
    third.exec("ip", "addr", "add", "192.0.2.2/30", "dev", "eth0");
    third.exec("ip", "link", "set", "eth0", "up");
    third.exec("ip", "route", "add", "default", "via", "192.0.2.1");
    outside.exec("ip", "route", "add", "192.0.2.0/30", "via", HOST);
    network(2, true);
    assertEquals("0\n", host.exec("cat", "/proc/sys/net/ipv4/ip_forward"));
    var member = join(network(1, false));
    assertEquals("1\n", host.exec("cat", "/proc/sys/net/ipv4/ip_forward"));
    try (Server server = outside.serve(PORT)) {
      assertReaches(member.box(), OUTSIDE, PORT, HOST);
      assertCannotReach(third, OUTSIDE, PORT);
      var next = driver(INSTANCE, new Settings("gantry0", true, true, true, false));
      assertCannotReach(third, OUTSIDE, PORT);
      assertEquals(List.of(), host.call(() -> next.warnings(network(next, 3, false))));
      assertCannotReach(third, OUTSIDE, PORT);
      driver(INSTANCE, new Settings("gantry0", true, true, false, false));
      assertReaches(third, OUTSIDE, PORT, "192.0.2.2");
    }
  }

  @Test
  void whoMayNotSwitchForwardingOnIsWarned() {
    host.exec("sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward");
    var meek = driver("77777777", new Settings("gantry7", true, false, true, false));
    var network = network(meek, 1, false);
    assertEquals(
        List.of("IPv4 forwarding is disabled. Networking will not work."),
        host.call(() -> meek.warnings(network)));
    assertEquals("0\n", host.exec("cat", "/proc/sys/net/ipv4/ip_forward"));
    host.exec(
        "nft",
        "table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }");
    assertTrue(
        host.call(() -> meek.warnings(network)).get(1).contains("(table filter, chain FORWARD)"));
  }

  /** As dockerd makes them: what its administrator lets through is in a chain for that. */
  @Test
  void whatAnotherEngineDropsIsToldOfAndCanBeLetThrough() throws IOException {
    var network = network(1, false);
    var member = join(network);
    publish(8080, member);
    host.exec(
        "nft",
        "table ip filter { chain DOCKER-USER { }; chain FORWARD {"
            + " type filter hook forward priority 0; policy drop; jump DOCKER-USER; }; }");
    String theirs = host.exec("nft", "list", "table", "ip", "filter");
    try (Server server = outside.serve(PORT);
        Server inside = member.box().serve(PORT)) {
      assertCannotReach(member.box(), OUTSIDE, PORT);
      assertCannotReach(outside, HOST, 8080);
      assertTrue(host.call(driver::status).containsValue("table filter, chain FORWARD"));
      String bridge = "br-" + network.id().substring(0, 12);
      assertTrue(host.call(() -> driver.warnings(network)).get(0).endsWith(bridge + "."));
      join(network(2, false));
      assertEquals(theirs, host.exec("nft", "list", "table", "ip", "filter"));
      for (String way : List.of("iifname", "oifname")) {
        host.exec("nft", "add rule ip filter DOCKER-USER " + way + " " + bridge + " accept");
      }
      assertReaches(member.box(), OUTSIDE, PORT, HOST);
      assertReaches(outside, HOST, 8080, OUTSIDE);
    }
    host.exec("nft", "delete", "table", "ip", "filter");
    assertEquals(2, host.call(driver::status).size());
  }

  @Test
  void theDefaultBridgeOfAnotherEngineIsLeftToIt() {
    network(1, false, BRIDGE + "default_bridge", "true");
    var neighbour = driver("77777777", new Settings("gantry0", true, true, true, false));
    network(neighbour, 2, false, BRIDGE + "default_bridge", "true");
    assertTrue(
        host.exec("ip", "link", "show", "gantry0").contains("alias gantry-0123abcd network"));
    assertTrue(
        host.exec("ip", "link", "show", "br-02ababababab").contains("alias gantry-77777777 "));
    var taken =
        assertThrows(
            GantryException.class, () -> network(neighbour, 3, false, BRIDGE + "name", "gantry0"));
    assertEquals(Kind.CONFLICT, taken.kind());
    assertEquals("the bridge gantry0 belongs to another network", taken.getMessage());
  }

  @Test
  void aBridgeOfTheAdministratorIsUsedAndStays() throws IOException {
    host.exec("ip", "link", "add", "mine", "type", "bridge");
    var network = network(1, false, BRIDGE + "name", "mine");
    var one = join(network);
    try (Server server = one.box().serve(PORT)) {
      assertReaches(host, one.address(), PORT, "10.91.0.1");
    }
    host.run(() -> driver.disconnect(network, one.attachment()));
    host.run(() -> driver.remove(network));
    host.exec("ip", "link", "show", "mine");
    var refused =
        assertThrows(GantryException.class, () -> network(2, false, BRIDGE + "name", "out0"));
    assertEquals("existing interface out0 is not a bridge", refused.getMessage());
  }

  /** Records may be damaged, and options of another build may say nothing to this one. */
  @Test
  void whoIsInANetworkThatIsNotKnownKeepsHisBridge() throws IOException {
    var network = network(1, false);
    var one = join(network);
    var odd = Map.of(BRIDGE + "enable_icc", "maybe");
    var strange = new Network(network.id(), network.name(), network.subnets(), false, odd);
    for (var expected : List.of(List.of(strange), List.<Network>of())) {
      var next = new BridgeDriver(INSTANCE, new Settings("gantry0", true, true, true, false));
      drivers.add(next);
      var recovery = host.call(() -> next.recover(expected, List.of(one.attachment())));
      assertEquals(List.of(), recovery.swept());
      assertTrue(recovery.alive().contains(one.attachment().endpoint()));
      try (Server server = one.box().serve(PORT)) {
        assertReaches(host, one.address(), PORT, "10.91.0.1");
      }
    }
    var last = new BridgeDriver(INSTANCE, new Settings("gantry0", true, true, true, false));
    drivers.add(last);
    assertEquals(2, host.call(() -> last.recover(List.of(), List.of())).swept().size());
  }

  /** Its subnets and its way out are what the engine could tell; its bridge it has already. */
  @Test
  void aNetworkThatCannotBeTakenAsAWholeKeepsItsRules() throws IOException {
    host.exec("ip", "link", "add", "mine", "type", "bridge");
    var network = network(1, false, BRIDGE + "name", "mine");
    var one = join(network);
    var told = new Network(network.id(), network.name(), network.subnets(), false, Map.of());
    var next = new BridgeDriver(INSTANCE, new Settings("gantry0", true, true, true, false));
    drivers.add(next);
    var recovery = host.call(() -> next.recover(List.of(told), List.of(one.attachment())));
    assertEquals(List.of(), recovery.swept());
    assertFalse(host.exec("ip", "-br", "link").contains("br-"));
    try (Server server = outside.serve(PORT)) {
      assertReaches(one.box(), OUTSIDE, PORT, HOST);
    }
    host.run(() -> next.disconnect(network, one.attachment()));
  }

  @Test
  void aBridgeHasOneNetwork() {
    host.exec("ip", "link", "add", "mine", "type", "bridge");
    network(1, false, BRIDGE + "name", "mine");
    var e = assertThrows(GantryException.class, () -> network(2, false, BRIDGE + "name", "mine"));
    assertEquals(Kind.FORBIDDEN, e.kind());
    assertEquals(
        "cannot create network %s (mine): conflicts with network %s (mine): networks have same bridge name"
            .formatted(id(2), id(1)),
        e.getMessage());
  }

  @Test
  void linksAreAsSmallAsTheNetworkSays() throws IOException {
    for (int mtu : List.of(1000, 9000)) {
      String value = Integer.toString(mtu);
      var network = network(mtu / 1000, false, "com.docker.network.driver.mtu", value);
      var one = join(network);
      String[] command = {"ip", "link", "show", "eth0"};
      assertTrue(one.box().exec(command).contains(" mtu " + value + " "));
      try (Server server = one.box().serve(PORT)) {
        assertReaches(host, one.address(), PORT, network.subnets().get(0).gateway());
      }
    }
  }

  @Test
  void subnetsThatAreTakenAreRefused() {
    network(1, false);
    var overlapping = new Network(id(9), "other", served(1), false, Map.of());
    var e = assertThrows(GantryException.class, () -> host.run(() -> driver.create(overlapping)));
    assertEquals(Kind.CONFLICT, e.kind());
    assertTrue(e.getMessage().endsWith("networks have overlapping IPv4"), e.getMessage());
    host.exec("ip", "route", "add", "10.92.0.0/16", "via", OUTSIDE);
    e = assertThrows(GantryException.class, () -> network(2, false));
    assertEquals("a route of this host leads to 10.92.0.0/16 already", e.getMessage());
    assertFalse(host.exec("ip", "link").contains("br-02"));
  }

  @Test
  void bridgeAndRulesThatAreGoneAreMadeAgainAroundWhatLives() throws IOException {
    var network = network(1, false);
    var one = join(network);
    try (Server server = one.box().serve(PORT);
        Server world = outside.serve(PORT)) {
      assertReaches(host, one.address(), PORT, "10.91.0.1");
      driver.letGo();
      host.exec("ip", "link", "del", "br-01ababababab");
      host.exec("nft", "flush", "ruleset");
      driver = driver("99999999", new Settings("gantry0", true, true, true, false));
      assertCannotReach(host, one.address(), PORT);
      driver = new BridgeDriver(INSTANCE, new Settings("gantry0", true, true, true, false));
      drivers.add(driver);
      var found = host.call(() -> driver.recover(List.of(network), List.of(one.attachment())));
      assertEquals(2, found.alive().size());
      assertReaches(host, one.address(), PORT, "10.91.0.1");
      assertReaches(one.box(), OUTSIDE, PORT, HOST);
    }
  }

  /** As one that ends while a client has not closed its connection, and is started again. */
  @Test
  void aNamespaceThatLingersDoesNotAnswerForTheNextContainer() throws IOException {
    var network = network(1, false);
    var former = join(network);
    assertTrue(host.call(() -> Cidr.address(former.address()).isReachable(3000)));
    var next = sandbox.box();
    host.run(() -> driver.detach(network, former.attachment()));
    var attachment = host.call(() -> driver.attach(network, endpoint(next, former.address())));
    next.apply(attachment);
    try (Server server = next.serve(PORT)) {
      assertEquals("10.91.0.1", host.ask(former.address(), PORT));
    }
  }

  @Test
  void anInterfaceMayHaveADotInItsName() throws IOException {
    var network = network(1, false);
    var box = sandbox.box();
    var asked =
        new Endpoint(
            id(0x77), box.pid(), box.path(), List.of("10.91.0.9/16"), "", Map.of(), 5, "v6.c");
    box.apply(host.call(() -> driver.attach(network, asked)));
    assertEquals("1\n", box.exec("cat", "/proc/sys/net/ipv6/conf/v6.c/disable_ipv6"));
  }

  @Test
  void aRemovalWhoseRulesFailedIsDoneByTheNextTry() {
    var gone = network(1, false);
    network(2, false);
    host.exec("nft", "delete", "table", "inet", TABLE);
    host.exec("nft", "table inet " + TABLE + " { set bridges { type ipv4_addr; }; }");
    assertThrows(GantryException.class, () -> host.run(() -> driver.remove(gone)));
    host.exec("nft", "delete", "table", "inet", TABLE);
    host.run(() -> driver.remove(gone));
    String rules = host.exec("nft", "list", "table", "inet", TABLE);
    assertTrue(rules.contains("br-02") && !rules.contains("br-01"), rules);
  }

  /** Its rules are none of nf_tables'. */
  @Test
  void whatIptablesLegacyDropsIsToldOf() {
    var network = network(1, false);
    assertEquals(List.of(), host.call(() -> driver.warnings(network)));
    host.exec("iptables-legacy", "-P", "INPUT", "DROP");
    assertEquals(List.of(), host.call(() -> driver.warnings(network)));
    host.exec("iptables-legacy", "-P", "FORWARD", "DROP");
    host.exec("iptables-legacy", "-A", "FORWARD", "-i", "eth0", "-j", "ACCEPT");
    host.exec("ip6tables-legacy", "-t", "mangle", "-P", "FORWARD", "DROP");
    String both =
        "table filter of iptables-legacy, chain FORWARD;"
            + " table mangle of ip6tables-legacy, chain FORWARD";
    assertTrue(host.call(driver::status).containsValue(both), host.call(driver::status)::toString);
    assertEquals(2, host.call(() -> driver.warnings(network)).size());
    host.exec("iptables-legacy", "-P", "FORWARD", "ACCEPT");
    host.exec("ip6tables-legacy", "-t", "mangle", "-P", "FORWARD", "ACCEPT");
    assertEquals(List.of(), host.call(() -> driver.warnings(network)));
  }

  @Test
  void rulesOfIptablesLegacyMayChangeWhileTheyAreRead() throws Exception {
    String many = "for i in $(seq 200); do iptables-legacy -A FORWARD -j ACCEPT; done";
    var busy = host.start(() -> host.exec("sh", "-c", many));
    while (!busy.isDone()) {
      host.call(driver::status);
    }
    assertEquals("", busy.get());
  }

  @Test
  void rulesDoNotGrowWithNetworks() {
    network(1, false);
    int one = lines();
    for (int i = 2; i < 9; i++) {
      network(i, false);
    }
    assertEquals(one, lines());
  }

  private int lines() {
    return (int)
        host.exec("nft", "-s", "list", "ruleset")
            .lines()
            .filter(
                l ->
                    l.startsWith("\t\t")
                        && !l.contains("elements")
                        && !l.contains("\"br-")
                        && !l.contains("10.9"))
            .count();
  }
}
