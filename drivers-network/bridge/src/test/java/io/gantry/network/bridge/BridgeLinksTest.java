package io.gantry.network.bridge;

import static io.gantry.spi.testkit.NetworkSandbox.eventually;
import static io.gantry.spi.testkit.NetworkSandbox.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.network.bridge.BridgeDriver.Settings;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.Network.Link;
import io.gantry.spi.network.Network.Subnet;
import io.gantry.spi.testkit.NetworkSandbox;
import io.gantry.spi.testkit.NetworkSandbox.Box;
import io.gantry.spi.testkit.NetworkSandbox.Server;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What passes in a network that keeps its containers apart. */
@Tag("root")
class BridgeLinksTest {
  private static final String INSTANCE = "0123abcd";
  private static final Settings SETTINGS = new Settings("gantry0", true, true, true, true);
  private static final String GATEWAY = "10.91.0.1";
  private static final String CLIENT = "10.91.0.11";
  private static final String SERVER = "10.91.0.12";
  private static final String STRANGER = "10.91.0.13";
  private static final int PORT = 80;
  private static final int OTHER = 81;
  private static final Link LINK = new Link(CLIENT, SERVER, "tcp", PORT);

  private final List<BridgeDriver> drivers = new ArrayList<>();
  private final List<Attachment> attachments = new ArrayList<>();
  private NetworkSandbox sandbox;
  private Box host;
  private BridgeDriver driver;
  private Box client;
  private Box server;
  private Box stranger;

  @BeforeEach
  void start() throws IOException {
    sandbox = new NetworkSandbox();
    host = sandbox.host();
    driver = driver(SETTINGS, List.of());
    host.run(() -> driver.create(network()));
    client = join(CLIENT);
    server = join(SERVER);
    stranger = join(STRANGER);
  }

  private BridgeDriver driver(Settings settings, List<Network> networks) {
    var made = new BridgeDriver(INSTANCE, settings);
    drivers.add(made);
    host.run(() -> made.recover(networks, attachments));
    return made;
  }

  @AfterEach
  void end() {
    drivers.forEach(BridgeDriver::letGo);
    sandbox.close();
  }

  private static Network network(Link... links) {
    return new Network(
        id(1),
        "bridge",
        List.of(new Subnet("10.91.0.0/16", GATEWAY)),
        false,
        Map.of("com.docker.network.bridge.enable_icc", "false"),
        List.of(links));
  }

  private void link(Link... links) {
    host.run(() -> driver.link(network(links)));
  }

  private Box join(String address) throws IOException {
    var box = sandbox.box();
    var endpoint =
        new Endpoint(
            id(0x40 + attachments.size()),
            box.pid(),
            box.path(),
            List.of(address + "/16"),
            "",
            Map.of(),
            5,
            "eth0");
    var attachment = host.call(() -> driver.attach(network(), endpoint));
    box.apply(attachment);
    attachments.add(attachment);
    return box;
  }

  private void assertLinked() {
    assertEquals(CLIENT, client.ask(SERVER, PORT));
  }

  private void assertOthersAreApart() {
    assertEquals("", client.ask(SERVER, OTHER));
    assertEquals("", stranger.ask(SERVER, PORT));
    assertEquals("", server.ask(CLIENT, PORT));
    assertEquals("", server.ask(STRANGER, PORT));
  }

  @Test
  void aLinkedContainerReachesThatPortAndNobodyElseAnything() throws IOException {
    try (Server a = server.serve(PORT);
        Server b = server.serve(OTHER);
        Server c = client.serve(PORT);
        Server d = stranger.serve(PORT)) {
      assertEquals("", client.ask(SERVER, PORT));
      assertOthersAreApart();
      link(LINK);
      assertLinked();
      assertOthersAreApart();
      link(LINK, new Link(STRANGER, SERVER, "tcp", OTHER));
      assertLinked();
      assertEquals(STRANGER, stranger.ask(SERVER, OTHER));
      assertOthersAreApart();
      link(new Link(STRANGER, SERVER, "tcp", OTHER));
      assertEquals("", client.ask(SERVER, PORT));
      link();
      assertEquals("", stranger.ask(SERVER, OTHER));
      assertEquals(
          "0\n", host.exec("cat", "/proc/sys/net/ipv4/conf/br-01ababababab/proxy_arp_pvlan"));
    }
  }

  @Test
  void portsThatFollowEachOtherAreOneElement() throws IOException {
    var all = new ArrayList<Link>();
    for (int port = 1; port <= 65535; port++) {
      if (port != OTHER) {
        all.add(new Link(CLIENT, SERVER, "tcp", port));
      }
    }
    all.add(LINK);
    link(all.toArray(Link[]::new));
    String set = host.exec("nft", "list", "set", "inet", "gantry-0123abcd-bridge", "linked4");
    assertTrue(set.contains(" . tcp . 1-80"), set);
    assertTrue(set.contains(" . tcp . 82-65535"), set);
    assertEquals(3, set.split(" \\. tcp \\. ").length, set);
    try (Server a = server.serve(PORT);
        Server b = server.serve(OTHER);
        Server c = server.serve(65535)) {
      assertLinked();
      assertEquals(CLIENT, client.ask(SERVER, 65535));
      assertOthersAreApart();
    }
  }

  @Test
  void datagramsPassWithTheirAnswers() throws Exception {
    link(new Link(CLIENT, SERVER, "udp", PORT));
    var echo = server.call(() -> new DatagramSocket(PORT));
    var answering =
        server.start(
            () -> {
              var packet = new DatagramPacket(new byte[9], 9);
              echo.receive(packet);
              echo.send(packet);
              return packet.getAddress().getHostAddress();
            });
    assertEquals(0, stranger.call(() -> echoed()));
    assertEquals(1, client.call(() -> echoed()));
    assertEquals(CLIENT, answering.get());
    echo.close();
  }

  /**
   * Where the kernel filters inside bridges it would hand a translated packet from port to port,
   * and not over: there the proxy has it, which the host's server stands for.
   */
  @Test
  void aPublishedPortOfTheSameNetworkIsReached() throws IOException {
    host.exec(
        "nft",
        "add table ip published; add chain ip published in { type nat hook prerouting priority"
            + " dstnat; }; add rule ip published in fib daddr type local tcp dport 8080 dnat to "
            + SERVER
            + ":"
            + PORT);
    boolean byProxy = Forwarding.filtersInBridges();
    try (Server a = server.serve(PORT);
        Server b = host.serve(8080)) {
      assertEquals(byProxy ? CLIENT : GATEWAY, client.ask(GATEWAY, 8080));
    }
  }

  private static int echoed() throws IOException {
    try (var socket = new DatagramSocket()) {
      socket.setSoTimeout(500);
      socket.send(new DatagramPacket(new byte[1], 1, new InetSocketAddress(SERVER, PORT)));
      var answer = new DatagramPacket(new byte[9], 9);
      socket.receive(answer);
      return answer.getLength();
    } catch (SocketTimeoutException e) {
      return 0;
    }
  }

  @Test
  void aNewDriverLetsPassWhatIsLinkedByThen() throws IOException {
    link(LINK);
    try (Server a = server.serve(PORT);
        Server b = server.serve(OTHER);
        Server c = client.serve(PORT);
        Server d = stranger.serve(PORT)) {
      assertLinked();
      driver.letGo();
      assertLinked();
      driver = driver(SETTINGS, List.of(network(LINK)));
      assertLinked();
      assertOthersAreApart();
      driver.letGo();
      driver = driver(SETTINGS, List.of(network()));
      assertEquals("", client.ask(SERVER, PORT));
      assertOthersAreApart();
    }
  }

  @Test
  void linksThatSomebodyTakesAwayComeBack() throws IOException {
    link(LINK);
    String whole = host.exec("nft", "list", "ruleset");
    try (Server a = server.serve(PORT)) {
      for (String command :
          List.of("flush ruleset", "flush set inet gantry-0123abcd-bridge linked4")) {
        host.exec("nft", command);
        eventually("they are back", () -> host.exec("nft", "list", "ruleset").equals(whole));
        assertLinked();
        assertEquals("", stranger.ask(SERVER, PORT));
      }
    }
  }

  /** Without rules nothing but the ports' isolation keeps them apart. */
  @Test
  void withoutRulesNobodyIsLedThrough() throws IOException {
    driver.letGo();
    driver = driver(new Settings("gantry0", false, true, true, true), List.of(network(LINK)));
    host.exec("nft", "flush", "ruleset");
    link(LINK);
    try (Server a = server.serve(PORT)) {
      assertEquals("", client.ask(SERVER, PORT));
      assertEquals("", stranger.ask(SERVER, PORT));
    }
  }

  @Test
  void containersThatMeetAnywayNeedNoLink() {
    var plain = new Network(id(2), "open", List.of(), false, Map.of(), List.of(LINK));
    host.run(() -> driver.create(plain));
    host.run(() -> driver.link(plain));
    assertEquals(
        "0\n", host.exec("cat", "/proc/sys/net/ipv4/conf/br-02ababababab/proxy_arp_pvlan"));
    host.run(
        () -> driver.link(new Network(id(3), "gone", List.of(), false, Map.of(), List.of(LINK))));
  }
}
