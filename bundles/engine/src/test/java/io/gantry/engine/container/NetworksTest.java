package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.ContainerView.PortView;
import io.gantry.api.ExecSpec;
import io.gantry.api.HostSpec;
import io.gantry.api.Networks;
import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.NetworkSpec;
import io.gantry.api.Networks.Pool;
import io.gantry.engine.network.Placed;
import io.gantry.engine.volume.VolumeService;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Attachment;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NetworksTest extends WithEngine {
  private final LoopDriver driver = new LoopDriver();
  private Networks networks;

  @Override
  Engines open() {
    return new Engines(home, driver.leased());
  }

  @BeforeEach
  void makeNetworks() {
    networks = engine.containers.networks();
    create("one", "10.9.1.0/24");
    create("two", "10.9.2.0/24");
    driver.calls.clear();
  }

  private void create(String name, String subnet) {
    networks.create(
        new NetworkSpec(
            name,
            "",
            true,
            false,
            new Ipam("", null, List.of(new Pool(subnet, "", "", Map.of()))),
            false,
            false,
            false,
            false,
            "",
            Map.of(),
            Map.of()));
  }

  private static NetworkRequest asked(String network, String address) {
    return new NetworkRequest(
        network, List.of("alias"), address, "", List.of(), "", List.of(), Map.of(), 0);
  }

  private static ContainerSpec sleeping(String name, String mode, NetworkRequest... networks) {
    return Specs.spec(
            specs -> {
              specs.name = name;
              specs.networkMode = mode;
              specs.cmd = List.of("sleep", "1000");
            })
        .with(List.of(networks));
  }

  private String started(String name, String mode, NetworkRequest... wanted) {
    String id = engine.containers.create(sleeping(name, mode, wanted)).id();
    engine.containers.start(id);
    return id;
  }

  private String inside(String id, String... command) throws Exception {
    var spec =
        new ExecSpec(List.of(command), List.of(), "", "", false, true, true, false, false, "");
    String exec = engine.containers.createExec(id, spec);
    return Engines.text(engine.containers.startExec(exec, false, 0, 0));
  }

  private String addresses(String id) throws Exception {
    return inside(id, "ip", "-o", "-4", "addr");
  }

  private static void refused(GantryException.Kind kind, String sentence, Runnable step) {
    var e = assertThrows(GantryException.class, step::run);
    assertEquals(sentence, e.getMessage());
    assertEquals(kind, e.kind());
  }

  @Test
  void aContainerHasItsAddressesInsideInItsHostsFileAndInItsView() throws Exception {
    String id = started("box", "one", asked("two", "10.9.2.77"));
    assertTrue(addresses(id).contains(" 10.9.1.2/24 "), addresses(id));
    assertTrue(addresses(id).contains(" 10.9.2.77/24 "));
    assertTrue(inside(id, "ip", "route").contains("default"));
    String hosts = inside(id, "cat", "/etc/hosts");
    assertTrue(hosts.contains("10.9.1.2\t" + id.substring(0, 12) + "\n"), hosts);
    assertTrue(hosts.contains("10.9.2.77\t" + id.substring(0, 12) + "\n"), hosts);
    var view = engine.containers.inspect(id).networks();
    assertEquals("10.9.1.2", view.get("one").address());
    assertEquals(24, view.get("one").prefixLength());
    assertEquals("10.9.1.1", view.get("one").gateway());
    assertEquals("02:42:0a:09:01:02", view.get("one").mac());
    assertEquals("10.9.2.77", view.get("two").address());
    assertEquals(List.of("box", "alias", id.substring(0, 12)), view.get("two").names());
    assertEquals("10.9.2.77/24", networks.inspect("two").endpoints().get(id).address());
    assertEquals(List.of(id), networks.inspect("one").users());
    assertEquals(List.of("attach one", "attach two"), driver.calls);
  }

  @Test
  void theEndGivesEverythingBack() throws Exception {
    String id = started("box", "one");
    refused(
        FORBIDDEN,
        "error while removing network: network one has active endpoints (name:\"box\" id:\""
            + engine.containers.inspect(id).networks().get("one").endpointId().substring(0, 12)
            + "\")",
        () -> networks.remove("one"));
    engine.containers.stop(id, "KILL", null);
    assertEquals("", engine.containers.inspect(id).networks().get("one").address());
    assertEquals(Map.of(), networks.inspect("one").endpoints());
    assertEquals(List.of(id), networks.inspect("one").users());
    engine.containers.remove(id, true, true);
    networks.remove("one");
    Await.until("detached", () -> driver.calls.contains("detach one"));
    assertEquals(
        List.of(
            "create",
            "connect",
            "start",
            "kill",
            "disconnect",
            "die",
            "stop",
            "destroy",
            "destroy"),
        engine.actions().subList(2, 11));
  }

  @Test
  void aStartThatFailsTakesNoAddress() {
    driver.failure = new GantryException(INTERNAL, "no cable left");
    String id = engine.containers.create(sleeping("box", "one")).id();
    assertThrows(GantryException.class, () -> engine.containers.start(id));
    assertEquals(Map.of(), networks.inspect("one").endpoints());
    assertEquals(List.of("attach one", "detach one"), driver.calls);
    driver.failure = null;
    engine.containers.start(id);
    assertEquals("10.9.1.2", engine.containers.inspect(id).networks().get("one").address());
  }

  @Test
  void aNetworkThatIsNotThereIsMissedAtTheStart() {
    String id = engine.containers.create(sleeping("box", "nosuch")).id();
    refused(
        NOT_FOUND,
        "failed to set up container networking: network nosuch not found",
        () -> engine.containers.start(id));
  }

  @Test
  void aRunningContainerComesAndGoes() throws Exception {
    String id = started("box", "one");
    networks.connect("two", "box", asked("", "10.9.2.5"));
    assertTrue(addresses(id).contains(" 10.9.2.5/24 "));
    assertTrue(inside(id, "cat", "/etc/hosts").contains("10.9.2.5\t"));
    refused(
        FORBIDDEN,
        "endpoint with name box already exists in network two",
        () -> networks.connect("two", "box", NetworkRequest.of("")));
    networks.disconnect("one", "box", false);
    refused(
        FORBIDDEN,
        "container " + id + " is not connected to network one",
        () -> networks.disconnect("one", "box", false));
    assertEquals(List.of("two"), List.copyOf(engine.containers.inspect(id).networks().keySet()));
    assertFalse(inside(id, "cat", "/etc/hosts").contains("10.9.1.2"));
    assertEquals(List.of("attach one", "attach two", "disconnect one"), driver.calls);
    engine.containers.restart(id, "KILL", null);
    assertTrue(addresses(id).contains(" 10.9.2.5/24 "));
    assertFalse(addresses(id).contains(" 10.9.1."));
  }

  @Test
  void aConnectThatFailsLeavesItAsItWas() throws Exception {
    String id = started("box", "one");
    driver.failure = new GantryException(INTERNAL, "no cable left");
    refused(INTERNAL, "no cable left", () -> networks.connect("two", "box", NetworkRequest.of("")));
    assertEquals(List.of("one"), List.copyOf(engine.containers.inspect(id).networks().keySet()));
    assertEquals(Map.of(), networks.inspect("two").endpoints());
    assertFalse(addresses(id).contains(" 10.9.2."));
  }

  /**
   * In the middle of a driver's call, which fails by it; the engine hears of the end afterwards.
   */
  private void ends() {
    long pid = driver.initPid;
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    var inside = Path.of("/proc/" + pid + "/ns/net");
    Await.until("it is over", () -> !Files.exists(inside));
    throw new GantryException(INTERNAL, "make a pair of links: ESRCH");
  }

  @Test
  void whoEndsWhileItIsConnectedIsInTheNetworkAtItsNextStart() throws Exception {
    String id = started("box", "one");
    driver.meanwhile = this::ends;
    networks.connect("two", "box", asked("", "10.9.2.9"));
    driver.meanwhile = () -> {};
    Await.until("it is seen", () -> !engine.containers.inspect(id).state().running());
    Await.until("nobody is left", () -> networks.inspect("two").endpoints().isEmpty());
    engine.containers.start(id);
    assertTrue(addresses(id).contains(" 10.9.2.9/24 "));
  }

  @Test
  void whoEndsWhileItIsDisconnectedIsOutOfTheNetworkAtItsNextStart() throws Exception {
    String id = started("box", "one", asked("two", "10.9.2.9"));
    driver.leaving = this::ends;
    networks.disconnect("two", "box", false);
    driver.leaving = () -> {};
    Await.until("it is seen", () -> !engine.containers.inspect(id).state().running());
    Await.until("nobody is left", () -> networks.inspect("two").endpoints().isEmpty());
    engine.containers.start(id);
    assertFalse(addresses(id).contains(" 10.9.2.9/24 "));
  }

  @Test
  void oneThatDoesNotRunComesAtItsNextStart() throws Exception {
    String id = engine.containers.create(sleeping("box", "one")).id();
    networks.connect("two", "box", asked("", "10.9.2.9"));
    assertEquals(List.of(), driver.calls);
    engine.containers.start(id);
    assertTrue(addresses(id).contains(" 10.9.2.9/24 "));
  }

  @Test
  void theNextEngineKnowsWhoHasWhat() throws Exception {
    String id = started("box", "one");
    networks.connect("two", "box", NetworkRequest.of(""));
    var before = engine.containers.inspect(id).networks();
    engine.close();
    engine = open();
    networks = engine.containers.networks();
    assertEquals(before, engine.containers.inspect(id).networks());
    assertEquals("10.9.2.2/24", networks.inspect("two").endpoints().get(id).address());
    String other = started("other", "one");
    assertEquals("10.9.1.3", engine.containers.inspect(other).networks().get("one").address());
    assertEquals(3, engine.containers.belongings().attachments("loop").size());
    networks.disconnect("two", "box", false);
    assertEquals(Map.of(), networks.inspect("two").endpoints());
  }

  @Test
  void whoHasNoNetworkOfHisOwnCannotComeIntoOthers() {
    started("ofHost", "host");
    started("alone", "none");
    String shared =
        "container sharing network namespace with another container or host cannot be connected to"
            + " any other network";
    refused(INVALID, shared, () -> networks.connect("one", "ofHost", NetworkRequest.of("")));
    refused(
        INVALID,
        "container cannot be connected to multiple networks with one of the networks in private"
            + " (none) mode",
        () -> networks.connect("one", "alone", NetworkRequest.of("")));
    String box = started("box", "one");
    started("guest", "container:" + box);
    refused(INVALID, shared, () -> networks.connect("two", "guest", NetworkRequest.of("")));
  }

  @Test
  void pruneTakesWhatNoContainerHas() {
    engine.containers.create(sleeping("box", "one"));
    assertEquals(List.of("two"), networks.prune(network -> true));
    Await.until(
        "it is told",
        () ->
            engine.events.stream()
                .anyMatch(e -> e.type().equals("network") && e.action().equals("prune")));
    assertEquals(
        List.of("bridge", "host", "none", "one"),
        networks.list().stream().map(network -> network.name()).toList());
  }

  @Test
  void oneThatStaysKeepsPruneFromNoOther() {
    driver.stuck = "one";
    assertEquals(List.of("two"), networks.prune(network -> true));
    assertEquals("one", networks.inspect("one").name());
  }

  /** What is inside is the container's: here it has taken its interfaces down. */
  @Test
  void aDisconnectIsDoneWhateverTheContainerMakesOfIt() throws Exception {
    String id = started("box", "one", asked("two", "10.9.2.5"));
    String pid = Long.toString(engine.containers.inspect(id).state().pid());
    var down = new ProcessBuilder("nsenter", "-n", "-t", pid, "ip", "link", "set", "lo", "down");
    assertEquals(0, down.start().waitFor());
    networks.disconnect("one", "box", false);
    assertEquals(List.of("two"), List.copyOf(engine.containers.inspect(id).networks().keySet()));
    assertEquals(Map.of(), networks.inspect("one").endpoints());
    engine.close();
    engine = open();
    networks = engine.containers.networks();
    assertEquals(List.of("two"), List.copyOf(engine.containers.inspect(id).networks().keySet()));
    assertEquals(1, engine.containers.belongings().attachments("loop").size());
  }

  @Test
  void aNameThatNobodyCanAskForIsNoObstacle() throws Exception {
    var odd = List.of("a".repeat(2 << 20), "short");
    var wanted = new NetworkRequest("one", odd, "", "", List.of(), "", List.of(), Map.of(), 0);
    started("web", "one", wanted);
    assertTrue(lookUp(started("box", "one"), "short").contains("10.9.1.2"));
  }

  @Test
  void theHostsGatewayHasAName() throws Exception {
    String id = started("box", "default");
    String gateway = engine.containers.inspect(id).networks().get("bridge").gateway();
    assertTrue(gateway.endsWith(".0.1"), gateway);
    assertEquals(List.of("create bridge", "attach bridge"), driver.calls);
    assertEquals(List.of(), engine.containers.inspect(id).networks().get("bridge").names());
  }

  @Test
  void containersFindEachOtherByName() throws Exception {
    started("web", "one", asked("two", "10.9.2.77"));
    String box = started("box", "one");
    assertEquals("nameserver 127.0.0.11\n", inside(box, "grep", "^nameserver", "/etc/resolv.conf"));
    assertTrue(lookUp(box, "web").contains("10.9.1.2"));
    assertTrue(lookUp(box, "web.one").contains("10.9.1.2"));
    assertFalse(lookUp(box, "alias").contains("10.9.2.77"), "it is not in that network");
    networks.connect("two", "box", NetworkRequest.of(""));
    assertTrue(lookUp(box, "alias").contains("10.9.2.77"));
    engine.containers.rename("web", "shop");
    assertTrue(lookUp(box, "shop").contains("10.9.1.2"));
    assertFalse(lookUp(box, "web").contains("10.9.1.2"));
    engine.containers.remove("shop", true, true);
    assertFalse(lookUp(box, "shop").contains("10.9.1.2"));
  }

  @Test
  void aLinkIsANameInItsNetworkToo() throws Exception {
    started("web", "one");
    var links = List.of("web:db");
    var linking = new NetworkRequest("one", List.of(), "", "", List.of(), "", links, Map.of(), 0);
    String box = started("box", "one", linking);
    for (String name : List.of("db", "db.one", "web.one")) {
      assertTrue(lookUp(box, name).contains("10.9.1.2"), name);
    }
    assertFalse(lookUp(box, "db.two").contains("10.9.1.2"));
    assertFalse(lookUp(started("other", "one"), "db.one").contains("10.9.1.2"));
  }

  private String lookUp(String id, String name) throws Exception {
    return inside(id, "nslookup", name, "127.0.0.11").replace("127.0.0.11", "");
  }

  @Test
  void theNextEngineGoesOnServingNames() throws Exception {
    started("web", "one");
    String box = started("box", "one");
    engine.close();
    engine = open();
    networks = engine.containers.networks();
    assertTrue(lookUp(box, "web").contains("10.9.1.2"));
    started("late", "one");
    assertTrue(lookUp(box, "late").contains("10.9.1.4"));
  }

  @Test
  void portsOfTheHostAreReservedForAsLongAsARunLasts() throws Exception {
    int free;
    try (var socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }
    var wanted = new HostSpec.PortRequest("80/tcp", "127.0.0.1", Integer.toString(free));
    String id = engine.containers.create(publishing("box", wanted)).id();
    engine.containers.start(id);
    var port = engine.containers.inspect(id).ports().get(0);
    assertEquals(new PortView("80/tcp", "127.0.0.1", free), port);
    var there = new InetSocketAddress("127.0.0.1", free);
    assertThrows(BindException.class, () -> ServerSocketChannel.open().bind(there).close());
    String other = engine.containers.create(publishing("other", wanted)).id();
    var e = assertThrows(GantryException.class, () -> engine.containers.start(other));
    assertTrue(
        e.getMessage()
            .endsWith("Bind for 127.0.0.1:" + free + " failed: port is already allocated"),
        e.getMessage());
    engine.close();
    engine = open();
    assertThrows(GantryException.class, () -> engine.containers.start(other));
    engine.containers.stop(id, "KILL", null);
    engine.containers.start(other);
    engine.containers.stop(other, "KILL", null);
    try (var taken = new ServerSocket()) {
      taken.bind(there);
      var refusal = assertThrows(GantryException.class, () -> engine.containers.start(id));
      assertEquals(
          "failed to set up container networking: driver failed programming external connectivity"
              + " on endpoint box (ID): failed to bind host port for 127.0.0.1:"
              + free
              + ":10.9.1.2:80/tcp: address already in use",
          refusal.getMessage().replaceAll("[0-9a-f]{64}", "ID"));
    }
    engine.containers.start(id);
  }

  @Test
  void aPortIsChosenWhereNoneIsNamed() {
    var any = new HostSpec.PortRequest("80/tcp", "127.0.0.1", "");
    String id = engine.containers.create(publishing("box", any)).id();
    engine.containers.start(id);
    int port = engine.containers.inspect(id).ports().get(0).hostPort();
    assertTrue(port > 1024, "it is " + port);
  }

  @Test
  void noPortLeadsToAnAddressThatIsGivenBack() throws Exception {
    var any = new HostSpec.PortRequest("80/tcp", "127.0.0.1", "");
    String id = engine.containers.create(publishing("box", any)).id();
    engine.containers.start(id);
    int port = engine.containers.inspect(id).ports().get(0).hostPort();
    networks.disconnect("one", "box", false);
    assertEquals(List.of(), engine.containers.inspect(id).ports());
    new ServerSocket(port, 1, InetAddress.getLoopbackAddress()).close();
  }

  /** Its monitor is asked no more; it may still end what it has begun. */
  @Test
  void portsOfAStartThatFailsAreFreeWhenThatIsSaid() throws Exception {
    var any = new HostSpec.PortRequest("80/tcp", "127.0.0.1", "");
    String other = engine.containers.create(publishing("other", any)).id();
    engine.containers.start(other);
    int port = engine.containers.inspect(other).ports().get(0).hostPort();
    engine.containers.remove(other, true, true);
    var wanted = new HostSpec.PortRequest("80/tcp", "127.0.0.1", Integer.toString(port));
    String id = engine.containers.create(publishing("box", wanted)).id();
    driver.failure = new GantryException(INTERNAL, "no cable left");
    for (int i = 0; i < 10; i++) {
      assertThrows(GantryException.class, () -> engine.containers.start(id));
      new ServerSocket(port, 1, InetAddress.getLoopbackAddress()).close();
    }
  }

  /** The namespace stays, and with it what answers for the address. */
  @Test
  void anAddressIsNobodysUntilItsInterfaceHasGoneFromWhoSharesIt() {
    String box = started("box", "one");
    started("guest", "container:" + box);
    var taken = new ArrayList<String>();
    driver.leaving =
        () -> {
          String next = started("next", "one");
          taken.add(engine.containers.inspect(next).networks().get("one").address());
        };
    engine.containers.stop(box, "KILL", null);
    Await.until("it is out", () -> !taken.isEmpty());
    assertEquals(List.of("10.9.1.3"), taken);
    assertFalse(driver.calls.contains("detach one"), driver.calls::toString);
    driver.leaving = () -> {};
    engine.containers.remove("guest", true, true);
    engine.containers.start(box);
    assertEquals("10.9.1.2", engine.containers.inspect(box).networks().get("one").address());
    driver.calls.clear();
    engine.containers.stop(box, "KILL", null);
    Await.until("it is out", () -> driver.calls.equals(List.of("detach one")));
  }

  @Test
  void itComesBackToTheNetworkItHasLeft() throws Exception {
    String id = started("box", "one");
    networks.disconnect("one", "box", false);
    networks.connect("one", "box", asked("", "10.9.1.7"));
    assertTrue(addresses(id).contains(" 10.9.1.7/24 "));
  }

  /** As a driver's take-over in the middle of a start would ask. */
  @Test
  void whatIsOnItsWayInBelongsToSomebody() {
    String id = started("box", "one");
    var expected = new ArrayList<Attachment>();
    driver.meanwhile = () -> expected.addAll(engine.containers.belongings().attachments("loop"));
    networks.connect("two", "box", NetworkRequest.of(""));
    assertEquals(2, expected.size());
    assertEquals(2, engine.containers.inspect(id).networks().size());
  }

  private static ContainerSpec publishing(String name, HostSpec.PortRequest port) {
    return Specs.spec(
        specs -> {
          specs.name = name;
          specs.networkMode = "one";
          specs.cmd = List.of("sleep", "1000");
          specs.ports = List.of(port);
        });
  }

  private static Placed with(String name, int priority, String... gateways) {
    var routes = new ArrayList<Attachment.Route>();
    for (String gateway : gateways) {
      routes.add(new Attachment.Route(1, "default", gateway));
    }
    return new Placed(
            name, name, "loop", name, 1, "eth0", "", "", "", "", List.of(), "", priority, Map.of(),
            null)
        .with(new Attachment(name, List.of(), List.of(), routes, Map.of()));
  }

  private static List<String> chosen(Placed... places) {
    return InsideProgram.gateways(List.of(places)).stream()
        .map(gateway -> gateway.route().via())
        .toList();
  }

  @Test
  void oneOfThemLeadsOut() {
    assertEquals(List.of("10.0.0.1"), chosen(with("b", 0, "10.0.1.1"), with("a", 0, "10.0.0.1")));
    assertEquals(List.of("10.0.1.1"), chosen(with("b", 1, "10.0.1.1"), with("a", 0, "10.0.0.1")));
    assertEquals(List.of("10.0.1.1"), chosen(with("a", 5), with("b", 0, "10.0.1.1")));
    assertEquals(
        List.of("10.0.1.1", "fd00::1"),
        chosen(with("a", 0, "10.0.0.1"), with("b", 0, "10.0.1.1", "fd00::1")));
    assertEquals(
        List.of("10.0.0.1", "fd00::1"), chosen(with("a", 0, "10.0.0.1"), with("b", 0, "fd00::1")));
  }

  @Test
  void aMonitorThatIsLostInAnAttachFailsNoStart() {
    driver.meanwhile =
        () -> {
          driver.meanwhile = () -> {};
          var init = ProcessHandle.of(driver.initPid).orElseThrow();
          init.parent().orElseThrow().destroyForcibly();
          Await.until("it ends with its monitor", () -> !init.isAlive());
          throw new GantryException(INTERNAL, "no such process");
        };
    String id = engine.containers.create(sleeping("again", "one")).id();
    engine.containers.start(id);
    assertTrue(engine.containers.inspect(id).state().running());
    assertEquals(List.of("attach one", "detach one", "attach one"), driver.calls);
  }

  @Test
  void aRemovalWaitsForADriverSinceVolumesAreHeldUntilThen() throws Exception {
    var detached = new CountDownLatch(1);
    driver.detaching = () -> awaited(detached);
    String id =
        engine
            .containers
            .create(
                Specs.spec(
                    specs -> {
                      specs.networkMode = "one";
                      specs.cmd = List.of("sleep", "1000");
                      specs.volumes = List.of("/anonymous");
                    }))
            .id();
    engine.containers.start(id);
    var volumes = new VolumeService(engine.volumes);
    var removal = CompletableFuture.runAsync(() -> engine.containers.remove(id, true, true));
    assertThrows(TimeoutException.class, () -> removal.get(300, TimeUnit.MILLISECONDS));
    assertEquals(1, volumes.list().size());
    detached.countDown();
    removal.get(10, TimeUnit.SECONDS);
    assertEquals(List.of(), volumes.list());
  }

  private static void awaited(CountDownLatch latch) {
    try {
      assertTrue(latch.await(10, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void settingsOfInterfacesMayHaveDotsInTheirNames() {
    assertEquals(
        "net/ipv6/conf/v6.c/disable_ipv6", InsideProgram.path("net.ipv6.conf.v6/c.disable_ipv6"));
  }
}
