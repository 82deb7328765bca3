package io.gantry.spi.testkit;

import static io.gantry.spi.testkit.NetworkSandbox.eventually;
import static io.gantry.spi.testkit.NetworkSandbox.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.netlink.Cidr;
import io.gantry.linux.netlink.RouteSocket.Link;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Recovery;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.Network.Subnet;
import io.gantry.spi.network.NetworkDriver;
import io.gantry.spi.testkit.NetworkSandbox.Box;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What every network driver must do. A driver's test extends this and makes the driver; all of it
 * needs root and happens in network namespaces of the test's own.
 */
@Tag("root")
public abstract class NetworkDriverContract {
  private static final String INSTANCE = "0123abcd";
  private static final String OTHER = "4567cdef";
  private static final int PORT = 80;
  private static final int INDEX = 23;

  private Set<String> before = Set.of();
  private final List<NetworkDriver> drivers = new ArrayList<>();
  protected NetworkSandbox sandbox = uninitialized();
  protected NetworkDriver driver = uninitialized();

  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // set before each test
  private static <T> T uninitialized() {
    return null;
  }

  /** Makes a driver as after a start, of an instance of the engine. */
  protected abstract NetworkDriver driver(String instance);

  /** Lets a driver go, as a deactivation does. */
  protected abstract void letGo(NetworkDriver driver);

  /**
   * A network that the driver can make.
   *
   * @param number 1 to 9: another one for each
   */
  protected abstract Network network(int number);

  private NetworkDriver start(String instance) {
    var started = sandbox.host().call(() -> driver(instance));
    drivers.add(started);
    var support = sandbox.host().call(started::probe);
    assertTrue(support.available(), support.reason());
    return started;
  }

  @BeforeEach
  void start() throws IOException {
    sandbox = new NetworkSandbox();
    before = sandbox.host().state();
    driver = start(INSTANCE);
    recover(List.of(), List.of());
  }

  @AfterEach
  void leaveNothing() {
    try {
      assertEquals(before, sandbox.host().state());
    } finally {
      drivers.forEach(this::letGo);
      sandbox.close();
    }
  }

  // Networks

  @Test
  void aNetworkMayBeMadeAndRemovedTwice() {
    var network = network(1);
    create(network);
    var made = sandbox.host().state();
    create(network);
    assertEquals(made, sandbox.host().state());
    remove(network);
    assertEquals(before, sandbox.host().state());
    remove(network);
  }

  @Test
  void linksAreNothingToANetworkThatIsGoneOrKeepsNobodyApart() {
    var network = network(1);
    var linked =
        new Network(
            network.id(),
            network.name(),
            network.subnets(),
            network.internal(),
            network.options(),
            List.of(new Network.Link("192.0.2.2", "192.0.2.3", "tcp", 80)));
    link(linked);
    assertEquals(before, sandbox.host().state());
    create(network);
    var made = sandbox.host().state();
    link(linked);
    link(linked);
    assertEquals(made, sandbox.host().state());
    remove(network);
    link(linked);
  }

  @Test
  void portsAreNothingToANetworkThatIsGoneOrLetsNobodyComeToItsContainers() {
    var network = network(1);
    var published =
        new Network(
            network.id(),
            network.name(),
            network.subnets(),
            network.internal(),
            network.options(),
            List.of(),
            List.of(new Network.Port("192.0.2.3", "tcp", 80)));
    open(published);
    assertEquals(before, sandbox.host().state());
    create(network);
    var made = sandbox.host().state();
    open(published);
    open(published);
    assertEquals(made, sandbox.host().state());
    remove(network);
    open(published);
  }

  @Test
  void whatItDoesNotKnowIsRefusedOrSaid() {
    var network = network(1);
    var strange =
        new Network(
            network.id(),
            network.name(),
            network.subnets(),
            network.internal(),
            Map.of("no.such.option", "1"));
    try {
      create(strange);
      assertTrue(
          sandbox.host().call(() -> driver.warnings(strange)).stream()
              .anyMatch(warning -> warning.contains("no.such.option")));
      remove(strange);
    } catch (GantryException e) {
      assertEquals(Kind.INVALID, e.kind());
    }
    assertEquals(before, sandbox.host().state());
  }

  @Test
  void whatItHasNoFeatureForIsRefused() {
    if (!driver.features().contains("ipv6")) {
      assertKind(Kind.UNSUPPORTED, () -> create(with("fd00:77::/64", "fd00:77::1")));
    }
    if (!driver.features().contains("multiple-subnets")) {
      assertKind(
          Kind.UNSUPPORTED,
          () -> create(with("10.77.0.0/16", "10.77.0.1", "10.78.0.0/16", "10.78.0.1")));
    }
  }

  private Network with(String... subnetsAndGateways) {
    var network = network(1);
    var subnets = new ArrayList<Subnet>();
    for (int i = 0; i < subnetsAndGateways.length; i += 2) {
      subnets.add(new Subnet(subnetsAndGateways[i], subnetsAndGateways[i + 1]));
    }
    return new Network(
        network.id(), network.name(), subnets, network.internal(), network.options());
  }

  // Endpoints

  @Test
  void anEndpointIsAsItWasAskedFor() throws IOException {
    var network = network(1);
    create(network);
    var box = sandbox.box();
    var wanted = endpoint(network, box, 1);
    var attachment = attach(network, wanted);
    assertEquals(wanted.id(), attachment.endpoint());
    assertTrue(attachment.links().size() <= 1);
    for (var link : attachment.links()) {
      assertEquals(INDEX, link.index());
      assertEquals("eth7", link.name());
      assertEquals(wanted.addresses(), attachment.addresses().stream().map(a -> a.cidr()).toList());
      box.apply(attachment);
      Link inside = box.links().stream().filter(l -> l.index() == INDEX).findAny().orElseThrow();
      assertEquals("eth7", inside.name());
      assertEquals(link.mac(), inside.mac());
      assertTrue(inside.up());
      gateways(network)
          .forEach(gateway -> assertTrue(reaches(box, gateway), "cannot reach " + gateway));
    }
    end(network, box, attachment);
    remove(network);
  }

  @Test
  void aHardwareAddressMayBeChosen() throws IOException {
    var network = network(1);
    create(network);
    var box = sandbox.box();
    var wanted = endpoint(network, box, 1);
    String mac = wanted.addresses().isEmpty() ? "" : "06:00:00:00:00:77";
    var chosen =
        new Endpoint(wanted.id(), box.pid(), box.path(), wanted.addresses(), mac, Map.of(), 0, "");
    var attachment = attach(network, chosen);
    for (var link : attachment.links()) {
      assertEquals(mac, link.mac());
      Link inside =
          box.links().stream().filter(l -> l.index() == link.index()).findAny().orElseThrow();
      assertEquals(mac, inside.mac());
      assertEquals(link.name(), inside.name());
    }
    end(network, box, attachment);
    remove(network);
  }

  @Test
  void containersOfANetworkMeet() throws IOException {
    var network = network(1);
    create(network);
    var one = sandbox.box();
    var two = sandbox.box();
    var attached = attach(network, endpoint(network, one, 1));
    var other = attach(network, endpoint(network, two, 2));
    one.apply(attached);
    two.apply(other);
    for (var address : attached.addresses()) {
      assertMeet(one, two, address.cidr());
    }
    end(network, one, attached);
    end(network, two, other);
    remove(network);
  }

  private static void assertMeet(Box server, Box client, String cidr) throws IOException {
    try (var serving = server.serve(PORT)) {
      String address = Cidr.parse(cidr).address().getHostAddress();
      eventually("reach " + address, () -> !client.ask(address, PORT).isEmpty());
    }
  }

  @Test
  void anEndpointGoesWithItsNamespace() throws IOException {
    var network = network(1);
    create(network);
    var made = sandbox.host().state();
    var box = sandbox.box();
    var attachment = attach(network, endpoint(network, box, 1));
    box.apply(attachment);
    box.end();
    detach(network, attachment);
    detach(network, attachment);
    eventually("the endpoint is gone", () -> made.equals(sandbox.host().state()));
    remove(network);
  }

  @Test
  void anEndpointIsTakenFromANamespaceThatStays() throws IOException {
    var network = network(1);
    create(network);
    var made = sandbox.host().state();
    var box = sandbox.box();
    int links = box.links().size();
    var attachment = attach(network, endpoint(network, box, 1));
    box.apply(attachment);
    disconnect(network, attachment);
    assertEquals(made, sandbox.host().state());
    assertEquals(links, box.links().size());
    disconnect(network, attachment);
    var again = attach(network, endpoint(network, box, 2));
    box.apply(again);
    disconnect(network, again);
    remove(network);
  }

  @Test
  void anEndpointThatWasLeftBehindIsTakenAwayInTheEnd() throws IOException {
    var network = network(1);
    create(network);
    var made = sandbox.host().state();
    var box = sandbox.box();
    var attachment = attach(network, endpoint(network, box, 1));
    detach(network, attachment); // its namespace was to end, and has not
    eventually("the endpoint is gone", () -> made.equals(sandbox.host().state()));
    remove(network);
  }

  @Test
  void aFailedAttachLeavesNothing() throws IOException {
    var network = network(1);
    create(network);
    var made = sandbox.host().state();
    var box = sandbox.box();
    var wanted = endpoint(network, box, 1);
    box.end();
    if (wanted.addresses().isEmpty()) {
      remove(network);
      return; // nothing is made in the namespace, so nothing fails
    }
    assertThrows(GantryException.class, () -> attach(network, wanted));
    assertEquals(made, sandbox.host().state());
    remove(network);
  }

  @Test
  void manyAttachAtOnce() throws Exception {
    var network = network(1);
    create(network);
    var boxes = new ArrayList<Box>();
    var attaching = new ArrayList<Future<Attachment>>();
    for (int i = 1; i <= 8; i++) {
      var box = sandbox.box();
      boxes.add(box);
      var wanted = endpoint(network, box, i);
      attaching.add(sandbox.host().start(() -> driver.attach(network, wanted)));
    }
    var attached = new ArrayList<Attachment>();
    for (int i = 0; i < boxes.size(); i++) {
      attached.add(NetworkSandbox.result(attaching.get(i)));
      boxes.get(i).apply(attached.get(i));
    }
    for (var address : attached.get(0).addresses()) {
      assertMeet(boxes.get(0), boxes.get(7), address.cidr());
    }
    for (int i = 0; i < boxes.size(); i++) {
      end(network, boxes.get(i), attached.get(i));
    }
    remove(network);
  }

  // Taking over

  @Test
  void aNewDriverTakesOverWhatIsThere() throws IOException {
    var network = network(1);
    create(network);
    var one = sandbox.box();
    var two = sandbox.box();
    var attached = attach(network, endpoint(network, one, 1));
    one.apply(attached);
    var made = sandbox.host().state();
    letGo(driver);
    assertEquals(made, sandbox.host().state());
    driver = start(INSTANCE);
    var recovery = recover(List.of(network), List.of(attached));
    assertEquals(Set.of(network.id(), attached.endpoint()), recovery.alive());
    assertEquals(Set.of(), recovery.lost());
    assertEquals(List.of(), recovery.swept());
    assertEquals(made, sandbox.host().state());
    var other = attach(network, endpoint(network, two, 2));
    two.apply(other);
    for (var address : attached.addresses()) {
      assertMeet(one, two, address.cidr());
    }
    end(network, one, attached);
    end(network, two, other);
    remove(network);
  }

  @Test
  void whatNobodyExpectsIsSweptByItsMark() throws IOException {
    var network = network(1);
    create(network);
    var box = sandbox.box();
    var attached = attach(network, endpoint(network, box, 1));
    var neighbour = start(OTHER);
    sandbox.host().run(() -> neighbour.recover(List.of(), List.of()));
    var theirs = network(2);
    sandbox.host().run(() -> neighbour.create(theirs));
    var box2 = sandbox.box();
    var wanted = endpoint(theirs, box2, 1);
    var kept = sandbox.host().call(() -> neighbour.attach(theirs, wanted));

    letGo(driver); // before anybody has written down what it returned
    driver = start(INSTANCE);
    var recovery = recover(List.of(), List.of());
    assertEquals(attached.links().isEmpty(), recovery.swept().isEmpty());
    assertEquals(Set.of(), recovery.alive());
    assertTrue(box.links().stream().noneMatch(link -> link.index() == INDEX));
    assertEquals(
        !kept.links().isEmpty(), box2.links().stream().anyMatch(link -> link.index() == INDEX));
    var found = sandbox.host().call(() -> neighbour.recover(List.of(theirs), List.of(kept)));
    assertEquals(Set.of(theirs.id(), kept.endpoint()), found.alive());
    assertEquals(List.of(), found.swept());
    sandbox.host().run(() -> neighbour.disconnect(theirs, kept));
    sandbox.host().run(() -> neighbour.remove(theirs));
  }

  @Test
  void whatIsGoneIsMadeAgainOrLost() throws IOException {
    var network = network(1);
    var box = sandbox.box();
    create(network);
    var attached = attach(network, endpoint(network, box, 1));
    disconnect(network, attached);
    remove(network);
    var recovery = recover(List.of(network), List.of(attached)); // as after a reboot
    assertTrue(recovery.alive().contains(network.id()));
    assertEquals(attached.links().isEmpty(), recovery.alive().contains(attached.endpoint()));
    assertEquals(!attached.links().isEmpty(), recovery.lost().contains(attached.endpoint()));
    var again = attach(network, endpoint(network, box, 1));
    assertFalse(again.endpoint().isEmpty());
    disconnect(network, again);
    remove(network);
  }

  // Means

  private static List<String> gateways(Network network) {
    return network.subnets().stream()
        .map(Subnet::gateway)
        .filter(gateway -> !gateway.isEmpty())
        .toList();
  }

  private static boolean reaches(Box box, String address) {
    return box.call(() -> Cidr.address(address).isReachable(3000));
  }

  /**
   * @param number which one of the network
   */
  protected static Endpoint endpoint(Network network, Box box, int number) {
    var addresses =
        network.subnets().stream()
            .map(Subnet::cidr)
            .map(cidr -> cidr.replaceFirst("[0-9]*/", (number + 1) + "/"))
            .toList();
    String own = String.format("%02x%s", number, network.id().substring(0, 62));
    return new Endpoint(own, box.pid(), box.path(), addresses, "", Map.of(), INDEX, "eth7");
  }

  protected static Network network(int number, String name, List<Subnet> subnets) {
    return new Network(id(number), name, subnets, false, Map.of());
  }

  /** The container ends. */
  protected void end(Network network, Box box, Attachment attachment) {
    box.end();
    detach(network, attachment);
    if (!attachment.links().isEmpty()) {
      eventually(
          "the link of " + attachment.endpoint(),
          () ->
              sandbox.host().links().stream()
                  .noneMatch(link -> link.alias().contains(attachment.endpoint())));
    }
  }

  protected void create(Network network) {
    sandbox.host().run(() -> driver.create(network));
  }

  protected void remove(Network network) {
    sandbox.host().run(() -> driver.remove(network));
  }

  protected void link(Network network) {
    sandbox.host().run(() -> driver.link(network));
  }

  protected void open(Network network) {
    sandbox.host().run(() -> driver.open(network));
  }

  protected Attachment attach(Network network, Endpoint endpoint) {
    return sandbox.host().call(() -> driver.attach(network, endpoint));
  }

  protected void detach(Network network, Attachment attachment) {
    sandbox.host().run(() -> driver.detach(network, attachment));
  }

  protected void disconnect(Network network, Attachment attachment) {
    sandbox.host().run(() -> driver.disconnect(network, attachment));
  }

  protected Recovery recover(List<Network> networks, List<Attachment> attachments) {
    return sandbox.host().call(() -> driver.recover(networks, attachments));
  }

  protected static void assertKind(Kind kind, Runnable call) {
    assertEquals(kind, assertThrows(GantryException.class, call::run).kind());
  }
}
