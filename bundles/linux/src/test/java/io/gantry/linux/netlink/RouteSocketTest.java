package io.gantry.linux.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Errno;
import io.gantry.linux.SyscallError;
import io.gantry.linux.netlink.RouteMessages.Peer;
import io.gantry.linux.netlink.RouteSocket.Address;
import io.gantry.linux.netlink.RouteSocket.Link;
import io.gantry.linux.netlink.RouteSocket.Route;
import io.gantry.spi.GantryException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("root")
class RouteSocketTest {
  private static final String ALIAS = "some words, of a kind";

  private final TestNamespaces namespaces = new TestNamespaces();
  private long host;
  private long inside;
  private RouteSocket socket;

  @BeforeEach
  void start() throws Exception {
    host = namespaces.make();
    inside = namespaces.make();
    socket = open(host);
  }

  private static RouteSocket open(long pid) {
    try (var namespace = TestNamespaces.open(pid)) {
      return namespace.call(RouteSocket::open);
    }
  }

  @AfterEach
  void end() throws Exception {
    socket.close();
    namespaces.close();
  }

  @Test
  void aBridgeWithAddressesIsMadeAndListed() throws Exception {
    var make = new RouteMessages();
    make.bridge("gybr").mac("02:42:00:00:00:01").mtu(1400).up();
    make.change("gybr").alias(ALIAS);
    socket.send(make);
    Link bridge = socket.link("gybr").orElseThrow();
    assertEquals("bridge", bridge.kind());
    assertEquals("02:42:00:00:00:01", bridge.mac());
    assertEquals(1400, bridge.mtu());
    assertTrue(bridge.up());
    assertEquals(
        bridge,
        socket.links().stream().filter(l -> l.index() == bridge.index()).findAny().orElseThrow());
    var ipv4 = Cidr.parse("10.9.0.1/24");
    var ipv6 = Cidr.parse("fd00:9::1/64");
    socket.send(
        new RouteMessages().addAddress(bridge.index(), ipv4).addAddress(bridge.index(), ipv6));
    socket.send(new RouteMessages().addAddress(bridge.index(), ipv4)); // it has it already
    assertTrue(socket.addresses().contains(new Address(bridge.index(), ipv4)));
    assertTrue(socket.addresses().contains(new Address(bridge.index(), ipv6)));
    String listed = TestNamespaces.run(host, "ip", "addr", "show", "gybr");
    assertTrue(listed.contains("inet 10.9.0.1/24 brd 10.9.0.255 scope global gybr"), listed);
    assertTrue(listed.contains("inet6 fd00:9::1/64 scope global nodad"), listed);
    assertTrue(socket.routes().contains(new Route(ipv4.network(), null, bridge.index())));
    socket.send(new RouteMessages().deleteAddress(bridge.index(), ipv4));
    assertFalse(socket.addresses().contains(new Address(bridge.index(), ipv4)));
    socket.send(new RouteMessages().deleteLink(bridge.index()));
    assertTrue(socket.link("gybr").isEmpty());
  }

  @Test
  void aPairReachesIntoAnotherNamespace() throws Exception {
    var make = new RouteMessages();
    make.bridge("gybr").up();
    socket.send(make);
    int bridge = socket.link("gybr").orElseThrow().index();
    socket.send(new RouteMessages().addAddress(bridge, Cidr.parse("10.9.0.1/24")));
    var attach = new RouteMessages();
    attach
        .pair("gy1", 1000, 1300, new Peer(inside, 7, "eth3", "02:42:0a:09:00:02"))
        .master(bridge)
        .up();
    attach.change("gy1").alias(ALIAS).port(true, true);
    socket.send(attach);
    Link link = socket.link("gy1").orElseThrow();
    assertEquals(1000, link.index());
    assertEquals(bridge, link.master());
    assertEquals(7, link.peer());
    assertEquals(1300, link.mtu());
    assertEquals(ALIAS, link.alias());
    String port = TestNamespaces.run(host, "ip", "-d", "link", "show", "gy1");
    assertTrue(port.contains("hairpin on"), port);
    assertTrue(port.contains("isolated on"), port);

    try (var there = open(inside)) {
      var messages = new InsideMessages().loopback();
      messages.link(7, "eth0", "02:42:0a:09:00:03", 1200).address(7, "10.9.0.2/24");
      messages.route(7, "10.20.0.0/16", "10.9.0.1").route(7, "default", "10.9.0.1");
      assertFalse(messages.isEmpty());
      apply(inside, messages);
      assertEquals(
          new Link(7, "eth0", "veth", "", "02:42:0a:09:00:03", 1200, true, 0, link.index()),
          there.link("eth0").orElseThrow());
      var gateway = Cidr.address("10.9.0.1");
      assertTrue(there.routes().contains(new Route(Cidr.parse("0.0.0.0/0"), gateway, 7)));
      assertTrue(there.routes().contains(new Route(Cidr.parse("10.20.0.0/16"), gateway, 7)));
      TestNamespaces.run(inside, "ip", "link", "show", "lo", "up");

      apply(
          inside,
          new InsideMessages()
              .deleteRoute(7, "default", "")
              .deleteRoute(7, "10.20.0.0/16", "10.9.0.1")
              .deleteAddress(7, "10.9.0.2/24"));
      assertEquals(List.of(), there.routes());
      apply(inside, new InsideMessages().deleteLink(7));
      assertTrue(there.link("eth0").isEmpty());
    }
    assertTrue(socket.link("gy1").isEmpty());
  }

  /** Sends the bytes as the helper does. */
  private static void apply(long pid, InsideMessages messages) {
    try (var namespace = TestNamespaces.open(pid)) {
      namespace.call(
          () -> {
            try (var socket = RouteSocket.open()) {
              socket.send(messages);
            }
            return true;
          });
    }
  }

  @Test
  void theKernelsWordsComeWithAFailure() {
    var make = new RouteMessages();
    make.bridge("gybr").up();
    socket.send(make);
    var again = new RouteMessages();
    again.bridge("gybr");
    again.bridge("gyother");
    var e = assertThrows(GantryException.class, () -> socket.send(again));
    assertEquals(GantryException.Kind.CONFLICT, e.kind());
    assertTrue(e.getMessage().startsWith("make the bridge gybr: EEXIST"), e.getMessage());
    assertTrue(socket.link("gyother").isPresent(), "what comes after a failure is tried");

    var far = new RouteMessages();
    int link = socket.link("gybr").orElseThrow().index();
    far.addRoute(link, Cidr.parse("0.0.0.0/0"), Cidr.address("192.0.2.1"));
    e = assertThrows(GantryException.class, () -> socket.send(far));
    assertEquals(Errno.ENETUNREACH, SyscallError.errno(e));
    assertEquals(
        "add the route to 0.0.0.0/0 via 192.0.2.1: ENETUNREACH (Nexthop has invalid gateway)",
        e.getMessage());
  }

  @Test
  void manyLinksAreListedWhole() {
    for (int i = 0; i < 300; i++) {
      var make = new RouteMessages();
      make.bridge("gybr" + i);
      socket.send(make);
    }
    assertEquals(300, socket.links().stream().filter(l -> l.name().startsWith("gybr")).count());
  }
}
