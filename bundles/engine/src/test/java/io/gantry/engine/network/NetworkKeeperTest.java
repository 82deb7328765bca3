package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Events.Event;
import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.NetworkSpec;
import io.gantry.api.Networks.NetworkView;
import io.gantry.api.Networks.Pool;
import io.gantry.engine.event.EventRing;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Network;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NetworkKeeperTest {
  private static final UnaryOperator<String> SAME = id -> "web";
  private static final String BOX = "b".repeat(64);

  @TempDir Path data;
  private final FakeBridge driver = new FakeBridge();
  private final EventRing ring = new EventRing();
  private final ConcurrentLinkedQueue<Event> events = new ConcurrentLinkedQueue<>();
  private NetworkSettings settings = NetworkSettings.NONE;
  private NetworkKeeper keeper;

  @BeforeEach
  void open() {
    ring.subscribe(null, event -> true, events::add);
    keeper = started();
  }

  @AfterEach
  void close() {
    ring.close();
  }

  private NetworkKeeper started() {
    var opened =
        new NetworkKeeper(
            data, "0badcafe", driver.leased(), ring, () -> settings, InstantSource.system());
    opened.load();
    opened.settle();
    return opened;
  }

  private static NetworkSpec spec(String name, Pool... pools) {
    return new NetworkSpec(
        name,
        "",
        true,
        false,
        new Ipam("", null, List.of(pools)),
        false,
        false,
        false,
        false,
        "",
        Map.of(),
        Map.of());
  }

  private static Pool pool(String subnet, String range, String gateway) {
    return new Pool(subnet, range, gateway, Map.of());
  }

  private String create(NetworkSpec spec) {
    return keeper.create(spec, new ArrayList<>());
  }

  private NetworkView view(String ref) {
    return keeper.table().view(ref, SAME);
  }

  private Placed place(String network) {
    return keeper.place(NetworkRequest.of(network), BOX, List.of());
  }

  private static void refused(GantryException.Kind kind, String sentence, Runnable step) {
    var e = assertThrows(GantryException.class, step::run);
    assertEquals(sentence, e.getMessage());
    assertEquals(kind, e.kind());
  }

  @Test
  void aNetworkOutlivesTheEngineAndKeepsItsSubnet() {
    String id = create(spec("one"));
    var before = view("one");
    keeper = started();
    assertEquals(before, view("one"));
    assertEquals(before, view(id.substring(0, 5)));
    assertEquals(List.of("create one"), driver.calls);
    assertEquals(
        List.of(before.id()),
        keeper.table().networksOf("bridge").stream().map(n -> n.id()).toList());
  }

  @Test
  void twoNetworksNeverShareAddresses() {
    create(spec("one"));
    create(spec("two"));
    var one = Cidr.of(view("one").ipam().pools().get(0).subnet());
    var two = Cidr.of(view("two").ipam().pools().get(0).subnet());
    var bridge = Cidr.of(view("bridge").ipam().pools().get(0).subnet());
    assertTrue(!one.overlaps(two) && !one.overlaps(bridge) && !two.overlaps(bridge));
    refused(
        FORBIDDEN,
        "invalid pool request: Pool overlaps with other one on this address space",
        () -> create(spec("three", pool(one.part(24, 7).toString(), "", ""))));
  }

  @Test
  void whatIsAskedForIsWhatThereIs() {
    create(spec("one", pool("10.9.0.0/24", "10.9.0.128/25", "10.9.0.254")));
    assertEquals(
        List.of(pool("10.9.0.0/24", "10.9.0.128/25", "10.9.0.254")), view("one").ipam().pools());
    var place = place("one");
    assertEquals("10.9.0.128/24", place.address());
    assertEquals("10.9.0.254", place.gateway());
    assertEquals("02:42:0a:09:00:80", place.mac());
    assertEquals("eth0", place.device());
    assertNotEquals(2, place.index());
  }

  @Test
  void auxiliaryAddressesAreSomebodyElses() {
    create(spec("one", new Pool("10.9.0.0/24", "", "", Map.of("router", "10.9.0.2"))));
    assertEquals("10.9.0.1", view("one").ipam().pools().get(0).gateway());
    assertEquals("10.9.0.3/24", place("one").address());
  }

  @Test
  void addressesAreTakenOnceAndFreeAgainAfterwards() {
    create(spec("one", pool("10.9.0.0/29", "", "")));
    var asked =
        new NetworkRequest("one", List.of(), "10.9.0.4", "", List.of(), "", List.of(), Map.of(), 0);
    var fixed = keeper.place(asked, BOX, List.of());
    refused(FORBIDDEN, "Address already in use", () -> keeper.place(asked, BOX, List.of()));
    var others = List.of(place("one"), place("one"), place("one"), place("one"));
    assertEquals(
        List.of("10.9.0.2/29", "10.9.0.3/29", "10.9.0.5/29", "10.9.0.6/29"),
        others.stream().map(Placed::address).toList());
    var e = assertThrows(GantryException.class, () -> place("one"));
    assertTrue(
        e.getMessage()
            .startsWith("no available IPv4 addresses on this network's address pools: one"),
        e.getMessage());
    keeper.leave(fixed);
    keeper.leave(fixed);
    assertEquals("10.9.0.4/29", place("one").address());
  }

  @Test
  void placesOfRunsThatLiveAreKnownToTheNextEngine() {
    create(spec("one", pool("10.9.0.0/29", "", "")));
    var place = place("one");
    keeper = started();
    keeper.expect(place, BOX);
    assertNotEquals(place.address(), place("one").address());
    assertEquals("web", view("one").endpoints().get(BOX).name());
  }

  /** As when its record has been set aside for damage. */
  @Test
  void whoIsInANetworkWithoutARecordKeepsIt() throws IOException {
    create(spec("one", pool("10.9.0.0/24", "", "10.9.0.254")));
    var place = keeper.attach(place("one"), 1);
    Files.delete(data.resolve("networks").resolve(place.network() + ".json"));
    keeper =
        new NetworkKeeper(
            data, "0badcafe", driver.leased(), ring, () -> settings, InstantSource.system());
    keeper.load();
    keeper.expect(place, BOX);
    keeper.settle();
    var left = keeper.table().networksOf("bridge").get(0);
    assertEquals(place.network(), left.id());
    assertEquals(List.of(new Network.Subnet("10.9.0.0/24", "10.9.0.254")), left.subnets());
    assertTrue(left.internal(), "nothing led out");
    refused(NOT_FOUND, "network one not found", () -> view("one"));
    refused(NOT_FOUND, "network one not found", () -> place("one"));
    refused(CONFLICT, "network with name one already exists", () -> create(spec("one")));
    refused(
        FORBIDDEN,
        "invalid pool request: Pool overlaps with other one on this address space",
        () -> create(spec("two", pool("10.9.0.0/25", "", ""))));
    keeper.sweep(place);
    assertEquals(List.of(place), keeper.table().inhabitants("bridge"));
    keeper.leave(place);
    driver.calls.clear();
    keeper.sweep(place);
    assertEquals(List.of("remove one"), driver.calls);
    assertEquals(List.of(), keeper.table().networksOf("bridge"));
    create(spec("one", pool("10.9.0.0/24", "", "")));
  }

  /** Which is not the host's: nobody gives it to the bridge. */
  @Test
  void aNetworkWithoutARecordKeepsItsOtherGateway() throws IOException {
    var way = Map.of("DefaultGatewayIPv4", "127.0.0.9");
    create(spec("one", new Pool("127.0.0.0/8", "127.0.1.0/24", "127.0.0.1", way)));
    var place = keeper.attach(place("one"), 1);
    assertEquals("127.0.0.9", place.gateway());
    Files.delete(data.resolve("networks").resolve(place.network() + ".json"));
    keeper = started();
    keeper.expect(place, BOX);
    var subnet = keeper.table().networksOf("bridge").get(0).subnets().get(0);
    assertEquals(new Network.Subnet("127.0.0.0/8", "127.0.0.1"), subnet);
  }

  @Test
  void theDefaultNetworkIsTheSameWithoutItsRecord() throws IOException {
    var place = place("bridge");
    var before = view("bridge").ipam();
    Files.delete(data.resolve("networks").resolve(place.network() + ".json"));
    keeper =
        new NetworkKeeper(
            data, "0badcafe", driver.leased(), ring, () -> settings, InstantSource.system());
    keeper.load();
    keeper.expect(place, BOX);
    keeper.settle();
    assertEquals(before, view("bridge").ipam());
    assertNotEquals(place.address(), place("bridge").address());
  }

  @Test
  void oneWithInhabitantsStays() {
    create(spec("one"));
    var place = place("one");
    refused(
        FORBIDDEN,
        "error while removing network: network one has active endpoints (name:\"web\" id:\""
            + place.endpoint().substring(0, 12)
            + "\")",
        () -> keeper.remove("one", SAME));
    keeper.leave(place);
    keeper.remove("one", SAME);
    refused(NOT_FOUND, "network one not found", () -> keeper.remove("one", SAME));
    refused(NOT_FOUND, "network one not found", () -> place("one"));
    assertEquals(List.of("create one", "remove one"), driver.calls);
    keeper = started();
    refused(NOT_FOUND, "network one not found", () -> view("one"));
  }

  @Test
  void whatADriverRefusesLeavesNothing() {
    driver.failure = new GantryException(INTERNAL, "no");
    refused(INTERNAL, "no", () -> create(spec("one", pool("10.9.0.0/24", "", ""))));
    driver.failure = null;
    create(spec("two", pool("10.9.0.0/24", "", "")));
    assertEquals(List.of("create one", "remove one", "create two"), driver.calls);
    refused(NOT_FOUND, "network one not found", () -> view("one"));
  }

  @Test
  void oneThatItsDriverDoesNotLetGoIsThereStill() {
    create(spec("one"));
    driver.removal = new GantryException(INTERNAL, "no");
    refused(INTERNAL, "no", () -> keeper.remove("one", SAME));
    driver.removal = null;
    keeper = started();
    assertEquals("one", view("one").name());
    keeper.remove("one", SAME);
  }

  @Test
  void badRequestsAreRefusedAsDockerdDoes() {
    create(spec("one"));
    refused(CONFLICT, "network with name one already exists", () -> create(spec("one")));
    refused(
        FORBIDDEN,
        "operation is not permitted on predefined bridge network ",
        () -> create(spec("bridge")));
    refused(
        FORBIDDEN,
        "bridge is a pre-defined network and cannot be removed",
        () -> keeper.remove("bridge", SAME));
    refused(
        INVALID,
        "invalid network config:\ninvalid subnet bogus: invalid CIDR block notation",
        () -> create(spec("two", pool("bogus", "", ""))));
    refused(
        INVALID,
        "invalid network config:\n* invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24\n"
            + "* invalid gateway 10.1.0.1: parent subnet 10.0.0.1/24 doesn't contain this address",
        () -> create(spec("two", pool("10.0.0.1/24", "", "10.1.0.1"))));
    var odd =
        new NetworkSpec(
            "two", "nosuch", true, false, Ipam.NONE, false, false, false, false, "", Map.of(),
            Map.of());
    refused(NOT_FOUND, "plugin \"nosuch\" not found", () -> create(odd));
    var neither =
        new NetworkSpec(
            "two", "", false, false, Ipam.NONE, false, false, false, false, "", Map.of(), Map.of());
    refused(INVALID, "IPv4 or IPv6 must be enabled", () -> create(neither));
    refused(INVALID, "invalid name: name is empty", () -> create(spec("")));
    assertEquals(List.of("create one"), driver.calls);
  }

  @Test
  void addressesMayBeAskedForOnlyWhereTheSubnetWas() {
    create(spec("chosen"));
    create(spec("own", pool("10.9.0.0/24", "", "")));
    var asked =
        new NetworkRequest("", List.of(), "192.0.2.1", "", List.of(), "", List.of(), Map.of(), 0);
    refused(
        INVALID,
        "invalid endpoint settings:\n"
            + "no configured subnet or ip-range contain the IP address 192.0.2.1",
        () -> keeper.table().checked("own", asked));
    refused(
        INVALID,
        "invalid config for network chosen: invalid endpoint settings:\nuser specified IP address"
            + " is supported only when connecting to networks with user configured subnets",
        () -> keeper.table().check(asked.in("chosen")));
    refused(
        INVALID,
        "invalid endpoint settings:\n"
            + "user specified IP address is supported on user defined networks only",
        () -> keeper.table().checked("bridge", asked));
  }

  @Test
  void ofBothFamiliesEachGetsItsOwn() {
    create(
        new NetworkSpec(
            "six", "", true, true, Ipam.NONE, false, false, false, false, "", Map.of(), Map.of()));
    var place = place("six");
    assertTrue(place.address6().matches("fd.*::2/64"), place.address6());
    assertTrue(place.gateway6().endsWith("::1"), place.gateway6());
    assertTrue(place.address().endsWith(".0.2/16") || place.address().endsWith(".2/20"));
  }

  @Test
  void theDefaultNetworkIsMadeWhenSomebodyComesAndIsThatOneFromThenOn() {
    var proposed = view("bridge");
    assertEquals(List.of(), driver.calls);
    assertEquals(List.of(), keeper.table().networksOf("bridge"));
    var place = place("bridge");
    assertEquals(proposed.ipam(), view("bridge").ipam());
    assertEquals(List.of("create bridge"), driver.calls);
    keeper = started();
    assertEquals(1, keeper.table().networksOf("bridge").size());
    assertEquals(place.address(), place("bridge").address());
    assertEquals(List.of("create bridge"), driver.calls);
  }

  @Test
  void anotherSubnetIsTriedWhenSomebodyHasTakenTheFirst() {
    driver.refuseOnce = new GantryException(CONFLICT, "it is taken");
    place("bridge");
    assertEquals(List.of("create bridge", "remove bridge", "create bridge"), driver.calls);
  }

  @Test
  void theDefaultNetworkBecomesWhatIsConfigured() {
    place("bridge");
    settings =
        new NetworkSettings(
            "",
            "10.7.0.1/24",
            "",
            "10.7.0.128/25",
            "",
            "",
            "",
            1400,
            false,
            true,
            "",
            false,
            List.of(),
            NetworkSettings.Resolver.HOSTS);
    keeper = started();
    assertEquals(List.of(), keeper.table().networksOf("bridge"));
    var place = place("bridge");
    assertEquals("10.7.0.128/24", place.address());
    assertEquals("10.7.0.1", place.gateway());
    assertEquals("1400", view("bridge").options().get("com.docker.network.driver.mtu"));
    assertEquals("false", view("bridge").options().get("com.docker.network.bridge.enable_icc"));
  }

  private static NetworkSettings settings(
      String bridge, String bip, String bip6, String fixed, String gateway) {
    return new NetworkSettings(
        bridge,
        bip,
        bip6,
        fixed,
        "",
        gateway,
        "",
        0,
        true,
        true,
        "",
        false,
        List.of(),
        NetworkSettings.Resolver.HOSTS);
  }

  private static List<String> ways(Placed attached) {
    return attached.madeOrNone().routes().stream().map(Attachment.Route::via).toList();
  }

  @Test
  void itsContainersGoOutByTheGatewayThatIsConfigured() {
    driver.leadsOut = true;
    settings = settings("", "10.7.0.1/24", "", "", "10.7.0.254");
    keeper = started();
    var place = keeper.attach(place("bridge"), 1);
    assertEquals("10.7.0.254", place.gateway());
    assertEquals(List.of("10.7.0.254"), ways(place));
    assertEquals("10.7.0.1", keeper.table().defaultGateway(), "the host is where it was");
    var pool = new Pool("10.8.0.0/24", "", "", Map.of("DefaultGatewayIPv4", "10.8.0.9"));
    create(spec("own", pool));
    assertEquals(List.of("10.8.0.9"), ways(keeper.attach(place("own"), 1)));
  }

  @Test
  void aBridgeThatIsThereSaysWhichSubnetItIs() {
    var there = List.of(Cidr.of("192.0.2.1/24"), Cidr.of("10.7.0.1/16"), Cidr.of("fd00::5/64"));
    var first = HostBridge.settled(settings("mine", "", "", "", ""), name -> there);
    assertEquals("192.0.2.1/24", first.bip());
    assertEquals("fd00::5/64", first.bip6());
    var second = HostBridge.settled(settings("mine", "", "", "10.7.3.0/24", ""), name -> there);
    assertEquals("10.7.0.1/16", second.bip());
    var none = settings("none", "", "", "", "");
    assertEquals(none, HostBridge.settled(none, name -> there));
    assertTrue(HostBridge.addresses("lo").contains(Cidr.of("127.0.0.1/8")));
    assertEquals(List.of(), HostBridge.addresses("nosuch0"));
    settings = settings("lo", "", "", "", "");
    keeper = started();
    assertEquals("127.0.0.0/8", view("bridge").ipam().pools().get(0).subnet());
  }

  @Test
  void addressesOutsideOfItsSubnetAreRefused() {
    settings = settings("", "10.7.0.1/24", "", "10.8.0.0/25", "");
    keeper = started();
    refused(
        GantryException.Kind.INVALID,
        "invalid network config:\ninvalid ip-range 10.8.0.0/25: parent subnet 10.7.0.0/24 doesn't"
            + " contain ip-range",
        () -> place("bridge"));
  }

  @Test
  void aChangeOfTheDefaultNetworkWaitsForWhoIsInIt() {
    var place = place("bridge");
    settings =
        new NetworkSettings(
            "",
            "10.7.0.1/24",
            "",
            "",
            "",
            "",
            "",
            0,
            true,
            true,
            "",
            false,
            List.of(),
            NetworkSettings.Resolver.HOSTS);
    var next =
        new NetworkKeeper(
            data, "0badcafe", driver.leased(), ring, () -> settings, InstantSource.system());
    next.load();
    next.expect(place, BOX);
    next.settle();
    assertEquals(place.gateway(), next.table().defaultGateway());
  }

  @Test
  void everybodyHearsOfIt() {
    String id = create(spec("one"));
    var place = place("one");
    keeper.tell(place, BOX, "connect");
    keeper.leave(place);
    keeper.remove("one", SAME);
    ring.subscribe(null, event -> true, event -> {}).close();
    assertEquals(
        List.of("create", "connect", "destroy"), events.stream().map(Event::action).toList());
    for (var event : events) {
      assertEquals(id, event.actor());
      assertEquals("one", event.attributes().get("name"));
      assertEquals("bridge", event.attributes().get("type"));
    }
  }

  @Test
  void aConfigurationIsForOthersToTake() {
    create(
        new NetworkSpec(
            "source",
            "",
            true,
            false,
            new Ipam("", null, List.of(pool("10.9.0.0/24", "", ""))),
            false,
            false,
            false,
            true,
            "",
            Map.of("a", "b"),
            Map.of()));
    create(
        new NetworkSpec(
            "user", "", true, false, Ipam.NONE, false, false, false, false, "source", Map.of(),
            Map.of()));
    var place = place("user");
    assertEquals("10.9.0.2/24", place.address());
    keeper.leave(place);
    assertEquals(Map.of("a", "b"), view("user").options());
    refused(
        FORBIDDEN,
        "error while removing network: configuration network \"source\" is in use",
        () -> keeper.remove("source", SAME));
    refused(
        FORBIDDEN,
        "cannot create endpoint for configuration-only network: source",
        () -> place("source"));
    keeper.remove("user", SAME);
    keeper.remove("source", SAME);
    assertEquals(List.of("create user", "remove user"), driver.calls);
  }
}
