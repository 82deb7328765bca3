package io.gantry.linux.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Errno;
import io.gantry.linux.SyscallError;
import io.gantry.linux.netlink.NftBatch.Entry;
import io.gantry.linux.netlink.NftBatch.Family;
import io.gantry.linux.netlink.NftBatch.Hook;
import io.gantry.linux.netlink.NftBatch.Policy;
import io.gantry.linux.netlink.NftBatch.Way;
import io.gantry.linux.netlink.NftRule.Field;
import io.gantry.linux.netlink.NftSet.Type;
import io.gantry.linux.netlink.NftSocket.BaseChain;
import io.gantry.linux.netlink.NftSocket.Table;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the kernel has made of the messages, as nft(8) lists it. */
@Tag("root")
class NftSocketTest {
  private static final int TCP = 6;
  private static final String TABLE = "gantry-test";

  private final TestNamespaces namespaces = new TestNamespaces();
  private long host;
  private NftSocket socket;

  @BeforeEach
  void start() throws Exception {
    host = namespaces.make();
    try (var namespace = TestNamespaces.open(host)) {
      socket = namespace.call(NftSocket::open);
    }
  }

  @AfterEach
  void end() throws Exception {
    socket.close();
    namespaces.close();
  }

  private static NftBatch batch() {
    return new NftBatch(Family.INET, TABLE);
  }

  private String listed() throws Exception {
    return TestNamespaces.run(host, "nft", "list", "table", "inet", TABLE).replace("\t", " ");
  }

  @Test
  void rulesAreWhatNftListsThemAs() throws Exception {
    var batch = batch().table().chain("sub");
    batch.chain("forward", "filter", Hook.FORWARD, 0, Policy.DROP);
    batch.chain("post", "nat", Hook.POSTROUTING, 100, Policy.ACCEPT);
    batch
        .set(NftSet.of("links", Type.INTERFACE))
        .set(NftSet.of("pairs", Type.INTERFACE, Type.INTERFACE));
    batch.set(NftSet.ofRanges("nets", Type.IPV4)).set(NftSet.ofRanges("nets6", Type.IPV6));
    batch.set(NftSet.map("ways", List.of(Type.INTERFACE), Type.VERDICT));
    batch.set(NftSet.of("open", Type.IPV4, Type.PROTOCOL, Type.PORT));
    batch.add("links", List.of(name("br-a"), name("br-b")));
    batch.add("pairs", List.of(new NftValues().interfaceName("br-a").interfaceName("br-a")));
    batch.addRanges("nets", List.of(Cidr.parse("10.1.0.0/16"), Cidr.parse("255.255.0.0/16")));
    batch.addRanges("nets6", List.of(Cidr.parse("fd00:1::/64")));
    batch.addWays("ways", List.of(new Way(name("br-a"), "sub")));
    batch.add(
        "open", List.of(new NftValues().address(Cidr.address("10.1.0.2")).protocol(TCP).port(80)));
    batch.rule(
        "forward", new NftRule("goes on").state(NftRule.ESTABLISHED | NftRule.RELATED).accept());
    batch.rule(
        "forward", new NftRule("").load(Field.IN_NAME).load(Field.OUT_NAME).in("pairs").accept());
    batch.rule("forward", new NftRule("").load(Field.IN_NAME).notIn("links").back());
    batch.rule("forward", new NftRule("").ipv4().load(Field.OUT_NAME).by("ways"));
    batch.rule("sub", new NftRule("").status(NftRule.DESTINATION_CHANGED).accept());
    batch.rule(
        "sub",
        new NftRule("")
            .ipv4()
            .load(Field.IPV4_DESTINATION)
            .load(Field.PROTOCOL)
            .load(Field.DESTINATION_PORT)
            .in("open")
            .accept());
    batch.rule("sub", new NftRule("").ipv6().load(Field.IPV6_SOURCE).in("nets6").drop());
    batch.rule("sub", new NftRule("").to(Cidr.parse("127.0.0.0/8")).back());
    batch.rule("sub", new NftRule("").to(Cidr.parse("fd00::/9")).back());
    batch.rule("sub", new NftRule("").ipv4().protocol(1).accept());
    batch.rule("post", new NftRule("").load(Field.OUT_NAME).is("lo").accept());
    batch.rule("post", new NftRule("").ipv4().load(Field.IPV4_SOURCE).in("nets").masquerade());
    socket.send(batch);
    assertEquals(
        """
        table inet gantry-test {
         set links {
          type ifname
          elements = { "br-a",
                "br-b" }
         }

         set pairs {
          type ifname . ifname
          elements = { "br-a" . "br-a" }
         }

         set nets {
          type ipv4_addr
          flags interval
          elements = { 10.1.0.0/16, 255.255.0.0/16 }
         }

         set nets6 {
          type ipv6_addr
          flags interval
          elements = { fd00:1::/64 }
         }

         map ways {
          type ifname : verdict
          elements = { "br-a" : jump sub }
         }

         set open {
          type ipv4_addr . inet_proto . inet_service
          elements = { 10.1.0.2 . tcp . 80 }
         }

         chain sub {
          ct status dnat accept
          ip daddr . meta l4proto . th dport @open accept
          ip6 saddr @nets6 drop
          ip daddr 127.0.0.0/8 return
          ip6 daddr fd00::/9 return
          meta l4proto icmp accept
         }

         chain forward {
          type filter hook forward priority filter; policy drop;
          ct state established,related accept comment "goes on"
          iifname . oifname @pairs accept
          iifname != @links return
          meta nfproto ipv4 oifname vmap @ways
         }

         chain post {
          type nat hook postrouting priority srcnat; policy accept;
          oifname "lo" accept
          ip saddr @nets masquerade
         }
        }
        """,
        listed());
    assertEquals(List.of(new Table(1, TABLE)), socket.tables());
    assertEquals(
        Set.of(
            new BaseChain(1, TABLE, "forward", "filter", 2, 0, true),
            new BaseChain(1, TABLE, "post", "nat", 4, 100, false)),
        Set.copyOf(socket.baseChains()));
    assertEquals(Map.of("forward", 4, "post", 2, "sub", 6), socket.rules(Family.INET, TABLE));
    assertEquals(Set.of("forward", "post", "sub"), socket.chains(Family.INET, TABLE));
    assertEquals(
        Set.of("links", "pairs", "nets", "nets6", "ways", "open"), socket.sets(Family.INET, TABLE));
    assertEquals(2, socket.elements(Family.INET, TABLE, "links"));
    assertEquals(-1, socket.elements(Family.INET, TABLE, "nosuch"));
  }

  @Test
  void portsLeadWhereAMapSays() throws Exception {
    var batch = batch().table().chain("pre", "nat", Hook.PREROUTING, -100, Policy.ACCEPT);
    batch.set(NftSet.map("ports", List.of(Type.PROTOCOL, Type.PORT), Type.IPV4, Type.PORT));
    batch.set(NftSet.map("ports6", List.of(Type.PROTOCOL, Type.PORT), Type.IPV6, Type.PORT));
    var key = new NftValues().protocol(TCP).port(8080);
    var target = new NftValues().address(Cidr.address("10.1.0.2")).port(80);
    batch.addEntries("ports", List.of(new Entry(key, target)));
    batch.rule(
        "pre",
        new NftRule("")
            .ipv4()
            .load(Field.DESTINATION_TYPE)
            .is(NftRule.LOCAL)
            .load(Field.PROTOCOL)
            .load(Field.DESTINATION_PORT)
            .destinationBy("ports", false));
    batch.rule(
        "pre",
        new NftRule("")
            .ipv6()
            .load(Field.PROTOCOL)
            .load(Field.DESTINATION_PORT)
            .destinationBy("ports6", true));
    socket.send(batch);
    String listed = listed();
    assertTrue(listed.contains("elements = { tcp . 8080 : 10.1.0.2 . 80 }"), listed);
    assertTrue(
        listed.contains("fib daddr type local dnat ip to meta l4proto . th dport map @ports"),
        listed);
    assertTrue(listed.contains("dnat ip6 to meta l4proto . th dport map @ports6"), listed);
    socket.send(batch().delete("ports", List.of(key)));
    assertEquals(0, socket.elements(Family.INET, TABLE, "ports"));
  }

  @Test
  void aBatchIsCarriedOutWholeOrNotAtAll() {
    var e =
        assertThrows(
            GantryException.class,
            () -> socket.send(batch().table().chain("one").rule("nosuch", new NftRule("").drop())));
    assertEquals(Errno.ENOENT, SyscallError.errno(e));
    assertTrue(
        e.getMessage().startsWith("add a rule to nosuch of the table gantry-test: ENOENT"),
        e.getMessage());
    assertEquals(List.of(), socket.tables());
  }

  @Test
  void contentIsReplacedAndAForeignChainKept() throws Exception {
    socket.send(
        batch().table().chain("ours").chain("theirs").set(NftSet.of("links", Type.INTERFACE)));
    TestNamespaces.run(host, "nft", "add rule inet gantry-test theirs counter drop");
    for (int i = 0; i < 2; i++) {
      var batch = batch().table().chain("ours").chain("theirs").flushChain("ours");
      batch.set(NftSet.of("links", Type.INTERFACE)).flushSet("links");
      batch.add("links", List.of(name("br-" + i))).rule("ours", new NftRule("").jump("theirs"));
      socket.send(batch);
    }
    assertEquals(Map.of("ours", 1, "theirs", 1), socket.rules(Family.INET, TABLE));
    assertEquals(1, socket.elements(Family.INET, TABLE, "links"));
    assertTrue(listed().contains("elements = { \"br-1\" }"));
  }

  @Test
  void thousandsOfElementsGoInOneBatch() {
    var elements = new ArrayList<NftValues>();
    for (int i = 0; i < 5000; i++) {
      elements.add(name("gy" + i));
    }
    socket.send(batch().table().set(NftSet.of("links", Type.INTERFACE)).add("links", elements));
    assertEquals(5000, socket.elements(Family.INET, TABLE, "links"));
  }

  @Test
  void theGenerationTellsOfChangesByOthers() throws Exception {
    socket.send(batch().table());
    int before = socket.generation();
    assertEquals(before, socket.generation());
    TestNamespaces.run(host, "nft", "flush ruleset");
    assertNotEquals(before, socket.generation());
    assertEquals(List.of(), socket.tables());
  }

  private static NftValues name(String name) {
    return new NftValues().interfaceName(name);
  }
}
