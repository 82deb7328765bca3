package io.gantry.spi.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.network.PortMapping;
import io.gantry.spi.network.Proxied;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What every port mapper must do. A mapper's test extends this and makes the mapper; all of it
 * needs root and happens in network namespaces of the test's own.
 */
@Tag("root")
public abstract class PortMapperContract {
  private static final String INSTANCE = "0123abcd";
  private static final String OTHER = "4567cdef";

  private final List<PortMapper> mappers = new ArrayList<>();
  private Set<String> before = Set.of();
  protected NetworkSandbox sandbox = uninitialized();
  protected PortMapper mapper = uninitialized();

  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // set before each test
  private static <T> T uninitialized() {
    return null;
  }

  /** Makes a mapper as after a start, of an instance of the engine. */
  protected abstract PortMapper mapper(String instance);

  /** Lets a mapper go, as a deactivation does. */
  protected abstract void letGo(PortMapper mapper);

  private PortMapper start(String instance) {
    var started = sandbox.host().call(() -> mapper(instance));
    mappers.add(started);
    var support = sandbox.host().call(started::probe);
    assertTrue(support.available(), support.reason());
    recover(started, List.of());
    return started;
  }

  @BeforeEach
  void start() throws IOException {
    sandbox = new NetworkSandbox();
    before = sandbox.host().state();
    mapper = start(INSTANCE);
  }

  @AfterEach
  void leaveNothing() {
    try {
      recover(mapper, List.of());
      assertEquals(before, sandbox.host().state());
    } finally {
      mappers.forEach(this::letGo);
      sandbox.close();
    }
  }

  @Test
  void theProxyIsToldOfListenersThatWereGivenIt() {
    var ports = ports(1);
    var proxied = map(ports);
    var ids = ports.stream().map(PortMapping::id).collect(Collectors.toSet());
    for (Proxied each : proxied) {
      assertTrue(ids.contains(each.listener()));
      var of = ports.stream().filter(p -> p.id().equals(each.listener())).findAny().orElseThrow();
      assertEquals(of.address(), each.address());
      assertEquals(of.port(), each.port());
    }
    assertEquals(proxied, map(ports));
  }

  @Test
  void aPortThatIsForTheLoopbackInterfaceIsForTheProxy() {
    var port = new PortMapping("loop", "tcp", "127.0.0.1", 8080, "10.50.0.2", 80);
    assertEquals(List.of(new Proxied("loop", "10.50.0.2", 80)), map(List.of(port)));
  }

  @Test
  void portsMayBeTakenAwayTwice() {
    var ports = ports(1);
    map(ports);
    map(ports(2));
    unmap(ports);
    unmap(ports);
    unmap(ports(2));
    map(ports);
    unmap(ports);
  }

  @Test
  void whatIsNoMappingIsRefusedWhole() {
    for (var wrong :
        List.of(
            new PortMapping("a", "tcp", "0.0.0.0", 0, "10.50.0.2", 80),
            new PortMapping("a", "tcp", "0.0.0.0", 80, "10.50.0.2", 70000),
            new PortMapping("a", "tcp", "localhost", 80, "10.50.0.2", 80),
            new PortMapping("a", "tcp", "0.0.0.0", 80, "web", 80),
            new PortMapping("a", "egp", "0.0.0.0", 80, "10.50.0.2", 80))) {
      var both = new ArrayList<>(ports(1));
      both.add(wrong);
      assertThrows(GantryException.class, () -> map(both));
      assertEquals(before, sandbox.host().state());
    }
  }

  @Test
  void aNewMapperTakesOver() {
    map(ports(1));
    var made = sandbox.host().state();
    letGo(mapper);
    assertEquals(made, sandbox.host().state());
    mapper = sandbox.host().call(() -> mapper(INSTANCE));
    mappers.add(mapper);
    var found = recover(mapper, ports(1));
    assertEquals(ports(1).stream().map(PortMapping::id).collect(Collectors.toSet()), found.alive());
    assertEquals(Set.of(), found.lost());
    assertEquals(made, sandbox.host().state());
    unmap(ports(1));
  }

  @Test
  void anotherInstanceKeepsItsOwn() {
    var neighbour = start(OTHER);
    sandbox.host().call(() -> neighbour.map(ports(2)));
    var theirs = sandbox.host().state();
    map(ports(1));
    unmap(ports(1));
    recover(mapper, List.of());
    assertEquals(theirs, sandbox.host().state());
    recover(neighbour, List.of());
  }

  private static List<PortMapping> ports(int number) {
    int base = 8000 * number;
    String address = "10.50.0." + (number + 1);
    String ipv6 = "fd00:50::" + (number + 1);
    return List.of(
        new PortMapping("a" + number, "tcp", "0.0.0.0", base, address, 80),
        new PortMapping("b" + number, "tcp", "::", base, ipv6, 80),
        new PortMapping("c" + number, "udp", "0.0.0.0", base + 1, address, 53),
        new PortMapping("d" + number, "tcp", "192.0.2.1", base + 2, address, 80),
        new PortMapping("e" + number, "tcp", "::", base + 3, address, 80));
  }

  protected List<Proxied> map(List<PortMapping> mappings) {
    return sandbox.host().call(() -> mapper.map(mappings));
  }

  protected void unmap(List<PortMapping> mappings) {
    sandbox.host().run(() -> mapper.unmap(mappings));
  }

  protected Recovery recover(PortMapper of, List<PortMapping> expected) {
    return sandbox.host().call(() -> of.recover(expected));
  }
}
