package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.NetworkSpec;
import io.gantry.api.Networks.Pool;
import io.gantry.api.Ports;
import io.gantry.api.Ports.PublishedPort;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.network.PortMapping;
import io.gantry.spi.network.Proxied;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Ports of the host that come and go while containers run. */
class PortsTest extends WithEngine {
  private static final String HERE = "127.0.0.1";

  private final LoopDriver driver = new LoopDriver();
  private Ports ports;

  @Override
  Engines open() {
    return new Engines(home, driver.leased());
  }

  @BeforeEach
  void makeNetworks() {
    ports = engine.containers.ports();
    create("one", Map.of(), "10.9.1.0/24");
    create("two", Map.of(), "10.9.2.0/24");
  }

  private void create(String name, Map<String, String> options, String subnet) {
    boolean six = subnet.indexOf(':') >= 0;
    engine
        .containers
        .networks()
        .create(
            new NetworkSpec(
                name,
                "",
                !six,
                six,
                new Ipam("", null, List.of(new Pool(subnet, "", "", Map.of()))),
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

  private static PortRequest wish(int port, String hostAddress, int hostPort) {
    return new PortRequest(port + "/tcp", hostAddress, Integer.toString(hostPort));
  }

  private String started(String name, String network, PortRequest... wanted) {
    ContainerSpec spec =
        Specs.spec(
            specs -> {
              specs.name = name;
              specs.networkMode = network;
              specs.cmd = List.of("sleep", "1000");
              specs.ports = List.of(wanted);
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    return id;
  }

  /** Ports that nobody has. */
  private static int[] free(int count) throws IOException {
    int[] numbers = new int[count];
    var sockets = new ArrayList<ServerSocket>();
    for (int i = 0; i < count; i++) {
      sockets.add(new ServerSocket(0));
      numbers[i] = sockets.get(i).getLocalPort();
    }
    for (var socket : sockets) {
      socket.close();
    }
    return numbers;
  }

  private static boolean isTaken(String address, int port) {
    try {
      new ServerSocket(port, 1, InetAddress.getByName(address)).close();
      return false;
    } catch (java.net.BindException e) {
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@code ADDRESS:PORT>ADDRESS:PORT} of each. */
  private List<String> seen(String ref) {
    return ports.list(ref).stream()
        .map(p -> p.hostAddress() + ":" + p.hostPort() + ">" + p.address() + ":" + p.port())
        .toList();
  }

  private static void refused(GantryException.Kind kind, String end, Runnable step) {
    var e = assertThrows(GantryException.class, step::run);
    assertTrue(e.getMessage().endsWith(end), e.getMessage());
    assertEquals(kind, e.kind());
  }

  @Test
  void aRunningContainerGetsFurtherPortsAndKeepsThem() throws Exception {
    int[] free = free(2);
    String id = started("box", "one", wish(80, HERE, free[0]));
    ports.publish("box", List.of(wish(81, HERE, free[1])));
    var both =
        List.of(HERE + ":" + free[0] + ">10.9.1.2:80", HERE + ":" + free[1] + ">10.9.1.2:81");
    assertEquals(both.stream().sorted().toList(), seen(id).stream().sorted().toList());
    assertTrue(isTaken(HERE, free[1]));
    assertEquals(2, engine.containers.inspect(id).spec().host().publishing().ports().size());
    assertEquals(1, engine.actions().stream().filter("update"::equals).count());
    again();
    assertEquals(both.stream().sorted().toList(), seen(id).stream().sorted().toList());
    engine.containers.restart(id, "KILL", null);
    assertEquals(both.stream().sorted().toList(), seen(id).stream().sorted().toList());
    assertTrue(isTaken(HERE, free[1]));
  }

  @Test
  void aRestartThatCannotHaveItsPortSaysSo() throws Exception {
    int[] free = free(1);
    String id = started("box", "one", wish(80, HERE, free[0]));
    engine.containers.stop(id, "KILL", null);
    try (var strange = new ServerSocket(free[0], 1, InetAddress.getByName(HERE))) {
      var e =
          assertThrows(GantryException.class, () -> engine.containers.restart("box", "KILL", null));
      assertEquals(CONFLICT, e.kind());
      String said = e.getMessage();
      assertTrue(said.startsWith("Cannot restart container box: failed to set up "), said);
      assertTrue(strange.isBound());
    }
  }

  @Test
  void aConflictLeavesThePortsAsTheyWere() throws Exception {
    int[] free = free(3);
    started("other", "one", wish(80, HERE, free[0]));
    String id = started("box", "one", wish(80, HERE, free[1]));
    var before = seen(id);
    refused(
        CONFLICT,
        "Bind for " + HERE + ":" + free[0] + " failed: port is already allocated",
        () -> ports.publish(id, List.of(wish(81, HERE, free[2]), wish(82, HERE, free[0]))));
    refused(
        CONFLICT,
        "Bind for " + HERE + ":" + free[1] + " failed: port is already allocated",
        () -> ports.publish(id, List.of(wish(81, HERE, free[1]))));
    try (var strange = new ServerSocket(free[2], 1, InetAddress.getByName(HERE))) {
      refused(
          CONFLICT,
          "failed to bind host port for %s:%d:10.9.1.3:81/tcp: address already in use"
              .formatted(HERE, strange.getLocalPort()),
          () -> ports.publish(id, List.of(wish(81, HERE, free[2]))));
    }
    assertFalse(isTaken(HERE, free[2]));
    assertEquals(before, seen(id));
    assertEquals(1, engine.containers.inspect(id).spec().host().publishing().ports().size());
    refused(INVALID, "\"99999\"", () -> ports.publish(id, List.of(wish(80, HERE, 99999))));
    refused(INVALID, "\"0/tcp\"", () -> ports.publish(id, List.of(wish(0, HERE, 1))));
    refused(INVALID, "here", () -> ports.publish(id, List.of(wish(80, "here", free[2]))));
  }

  @Test
  void aPortThatIsTakenBackIsFreeAtOnce() throws Exception {
    int[] free = free(2);
    var any = new PortRequest("82/tcp", HERE, "");
    String id = started("box", "one", any, wish(80, HERE, free[0]), wish(81, HERE, free[1]));
    int chosen =
        ports.list(id).stream().filter(p -> p.port() == 82).findAny().orElseThrow().hostPort();
    ports.unpublish(id, List.of(wish(80, "", free[0])));
    assertFalse(isTaken(HERE, free[0]));
    assertTrue(isTaken(HERE, free[1]));
    refused(
        NOT_FOUND,
        "No public port '80/tcp' published for box",
        () -> ports.unpublish(id, List.of(wish(80, "", free[0]))));
    ports.unpublish(id, List.of(wish(82, HERE, chosen)));
    assertFalse(isTaken(HERE, chosen));
    again();
    assertEquals(List.of(HERE + ":" + free[1] + ">10.9.1.2:81"), seen(id));
    String other = started("other", "one", wish(80, HERE, free[0]));
    assertEquals(List.of(HERE + ":" + free[0] + ">10.9.1.3:80"), seen(other));
  }

  @Test
  void oneThatDoesNotRunHasThemAtItsNextStart() throws Exception {
    int[] free = free(2);
    String id = started("box", "one", wish(80, HERE, free[0]));
    engine.containers.stop(id, "KILL", null);
    ports.publish(id, List.of(wish(81, HERE, free[1])));
    ports.unpublish(id, List.of(wish(80, HERE, free[0])));
    refused(
        CONFLICT,
        "port is already allocated",
        () -> ports.publish(id, List.of(wish(82, HERE, free[1]))));
    assertEquals(List.of(), ports.list(id));
    assertFalse(isTaken(HERE, free[1]));
    engine.containers.start(id);
    assertEquals(List.of(HERE + ":" + free[1] + ">10.9.1.2:81"), seen(id));
  }

  @Test
  void oneWithoutANetworkOfItsOwnHasNoPorts() {
    String id = started("guest", "host");
    refused(
        INVALID,
        "Published ports are discarded when using host network mode",
        () -> ports.publish(id, List.of(wish(80, HERE, 8080))));
    String shared = started("shared", "container:" + started("box", "one"));
    refused(
        INVALID,
        "conflicting options: port publishing and the container type network mode",
        () -> ports.publish(shared, List.of(wish(80, HERE, 8080))));
  }

  @Test
  void aChangeThatWasNotFinishedIsTakenBack() throws Exception {
    int[] free = free(2);
    String id = started("box", "one", wish(80, HERE, free[0]));
    ports.publish(id, List.of(wish(81, HERE, free[1])));
    engine.close();
    var records =
        new ContainerRecords(home.place(), Runnable::run, new SpareDisk(home.place().dataRoot()));
    var record = records.load().containers().get(id);
    records.put(record.publishing(List.of(wish(80, HERE, free[0])))); // as if it had died before
    engine = open();
    ports = engine.containers.ports();
    Await.until("it is free", () -> !isTaken(HERE, free[1]));
    assertEquals(List.of(HERE + ":" + free[0] + ">10.9.1.2:80"), seen(id));
    assertTrue(isTaken(HERE, free[0]));
  }

  // Networks that come and go

  @Test
  void aPortFollowsToAnotherNetwork() throws Exception {
    int[] free = free(1);
    String id = started("box", "one", wish(80, HERE, free[0]));
    var networks = engine.containers.networks();
    networks.connect("two", "box", NetworkRequest.of(""));
    assertEquals(List.of("one"), ports.list(id).stream().map(PublishedPort::network).toList());
    networks.disconnect("one", "box", false);
    assertEquals(List.of(HERE + ":" + free[0] + ">10.9.2.2:80"), seen(id));
    assertEquals(List.of("two"), ports.list(id).stream().map(PublishedPort::network).toList());
    assertTrue(isTaken(HERE, free[0]));
    networks.disconnect("two", "box", false);
    assertEquals(List.of(), seen(id));
    assertFalse(isTaken(HERE, free[0]));
    networks.connect("two", "box", NetworkRequest.of(""));
    assertEquals(List.of(HERE + ":" + free[0] + ">10.9.2.2:80"), seen(id));
    again();
    assertEquals(List.of(HERE + ":" + free[0] + ">10.9.2.2:80"), seen(id));
    assertTrue(isTaken(HERE, free[0]));
  }

  /** As a mapper's take-over in the middle of it would ask. */
  @Test
  void aPortOnItsWayToAnotherNetworkIsThatNetworks() throws Exception {
    var mapper = new CarefulMapper();
    engine.close();
    engine = new Engines(home, driver.leased(), new OneDriver<>("careful", mapper));
    ports = engine.containers.ports();
    started("box", "one", wish(80, HERE, free(1)[0]));
    var networks = engine.containers.networks();
    networks.connect("two", "box", NetworkRequest.of(""));
    var expected = new ArrayList<PortMapping>();
    mapper.meanwhile = () -> expected.addAll(engine.containers.belongings().mappings("careful"));
    networks.disconnect("one", "box", false);
    assertEquals(List.of("10.9.2.2"), expected.stream().map(PortMapping::address).toList());
  }

  /** One that does something when it is asked to map. */
  private static final class CarefulMapper implements PortMapper {
    volatile Runnable meanwhile = () -> {};

    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public Set<String> features() {
      return Set.of("tcp");
    }

    @Override
    public List<Proxied> map(List<PortMapping> mappings) {
      meanwhile.run();
      return List.of();
    }

    @Override
    public void unmap(List<PortMapping> mappings) {}

    @Override
    public Recovery recover(List<PortMapping> expected) {
      return new Recovery(Set.of(), Set.of());
    }
  }

  @Test
  void whatIsAskedForOnNoAddressIsOnThoseOfTheNetwork() throws Exception {
    int[] free = free(1);
    create("bound", Map.of("com.docker.network.bridge.host_binding_ipv4", HERE), "10.9.3.0/24");
    String id = started("box", "bound", wish(80, "", free[0]));
    assertEquals(List.of(HERE + ":" + free[0] + ">10.9.3.2:80"), seen(id));
    var networks = engine.containers.networks();
    networks.connect("two", "box", NetworkRequest.of(""));
    networks.disconnect("bound", "box", false);
    assertTrue(seen(id).contains("0.0.0.0:" + free[0] + ">10.9.2.2:80"), seen(id).toString());
    assertFalse(seen(id).contains(HERE + ":" + free[0] + ">10.9.2.2:80"));
    ports.unpublish(id, List.of(wish(80, "", free[0])));
    assertEquals(List.of(), seen(id));
    assertFalse(isTaken(HERE, free[0]));
  }

  @Test
  void aPortMayBeOfIpv6Alone() throws Exception {
    int[] free = free(2);
    create("six", Map.of(), "fd00:9::/64");
    String id = started("box", "six", wish(80, "::1", free[0]), wish(81, "", free[1]));
    assertEquals(
        List.of("::1:" + free[0] + ">fd00:9::2:80", ":::" + free[1] + ">fd00:9::2:81").stream()
            .sorted()
            .toList(),
        seen(id).stream().sorted().toList());
    assertTrue(isTaken("::1", free[0]));
    assertFalse(isTaken(HERE, free[0]));
    String four = started("four", "one", wish(80, "::1", free(1)[0]));
    assertEquals(List.of("10.9.1.2"), ports.list(four).stream().map(p -> p.address()).toList());
  }
}
