package io.gantry.network.bridge;

import static io.gantry.linux.netlink.NftRule.DESTINATION_CHANGED;
import static io.gantry.linux.netlink.NftRule.ESTABLISHED;
import static io.gantry.linux.netlink.NftRule.Field.DESTINATION_PORT;
import static io.gantry.linux.netlink.NftRule.Field.DESTINATION_TYPE;
import static io.gantry.linux.netlink.NftRule.Field.IN_NAME;
import static io.gantry.linux.netlink.NftRule.Field.IPV4_DESTINATION;
import static io.gantry.linux.netlink.NftRule.Field.IPV4_SOURCE;
import static io.gantry.linux.netlink.NftRule.Field.IPV6_DESTINATION;
import static io.gantry.linux.netlink.NftRule.Field.IPV6_SOURCE;
import static io.gantry.linux.netlink.NftRule.Field.OUT_NAME;
import static io.gantry.linux.netlink.NftRule.Field.PROTOCOL;
import static io.gantry.linux.netlink.NftRule.LOCAL;
import static io.gantry.linux.netlink.NftRule.RELATED;

import io.gantry.linux.netlink.Cidr;
import io.gantry.linux.netlink.NftBatch;
import io.gantry.linux.netlink.NftBatch.Family;
import io.gantry.linux.netlink.NftBatch.Hook;
import io.gantry.linux.netlink.NftBatch.Policy;
import io.gantry.linux.netlink.NftBatch.Span;
import io.gantry.linux.netlink.NftBatch.Way;
import io.gantry.linux.netlink.NftRule;
import io.gantry.linux.netlink.NftSet;
import io.gantry.linux.netlink.NftSet.Type;
import io.gantry.linux.netlink.NftSocket;
import io.gantry.linux.netlink.NftValues;
import io.gantry.spi.network.Network;
import java.net.InetAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The content of the driver's table for a set of networks: how many rules there are does not depend
 * on how many networks or containers there are. One batch empties what is the driver's own and
 * fills it again, so packets meet the old rules or the new ones; the operator's chain is only made.
 */
final class Rules {
  /** Rules of the operator: each packet to or from anybody passes here first. */
  static final String OPERATOR = "operator";

  private static final String PREROUTING = "prerouting";
  private static final String FORWARD = "forward";
  private static final String POSTROUTING = "postrouting";
  private static final String CLOSED = "closed";
  private static final String BRIDGES = "bridges";
  private static final String WITHIN = "within";
  private static final String APART = "apart";
  private static final String PROXIED = "proxied";
  private static final String LINKS = "linked4";
  private static final String OPEN = "published";
  private static final String TRUSTED = "trusted";
  private static final String INTERNAL = "internal";
  private static final String INTO = "into";
  private static final String SUBNETS = "subnets";
  private static final String SOURCES = "sources";
  private static final String MASQUERADED = "masqueraded";
  private static final int AFTER_OTHERS = 10;
  private static final int SOURCE_NAT = 100;
  private static final int BEFORE_TRANSLATION = -101;
  private static final int ICMP = 1;
  private static final int ICMPV6 = 58;
  private static final Map<String, Integer> PROTOCOLS = Map.of("tcp", 6, "udp", 17, "sctp", 132);

  /**
   * What a table has when nobody has changed it.
   *
   * @param rules by chain
   * @param elements by set
   */
  record Shape(Map<String, Integer> rules, Map<String, Integer> elements) {

    Shape {
      rules = Map.copyOf(rules);
      elements = Map.copyOf(elements);
    }

    boolean isIn(NftSocket socket, String table) {
      var there = new HashMap<>(socket.rules(Family.INET, table));
      there.remove(OPERATOR);
      if (!there.equals(rules) || !socket.chains(Family.INET, table).contains(OPERATOR)) {
        return false;
      }
      return elements.entrySet().stream()
          .allMatch(set -> socket.elements(Family.INET, table, set.getKey()) == set.getValue());
    }
  }

  private final NftBatch batch;
  private final Collection<Bridged> networks;
  private final Map<String, Integer> rules = new LinkedHashMap<>();
  private final Map<String, Integer> elements = new TreeMap<>();

  /**
   * @param closed whether nothing else is forwarded, for IPv4 and for IPv6
   */
  Rules(String table, Collection<Bridged> networks, boolean closed, boolean closed6) {
    this.batch = new NftBatch(Family.INET, table);
    this.networks = networks;
    batch.table().chain(OPERATOR);
    sets();
    for (GatewayMode mode : GatewayMode.values()) {
      chain(into(mode));
    }
    modes();
    base(PREROUTING, "nat", Hook.PREROUTING, BEFORE_TRANSLATION);
    prerouting(false);
    prerouting(true);
    base(FORWARD, "filter", Hook.FORWARD, 0);
    forward();
    base(POSTROUTING, "nat", Hook.POSTROUTING, SOURCE_NAT);
    postrouting();
    closed(false, closed);
    closed(true, closed6);
    content();
  }

  NftBatch batch() {
    return batch;
  }

  Shape shape() {
    return new Shape(rules, elements);
  }

  /** The host forwards for others again, or not at all. */
  void open(boolean ipv6) {
    String chain = family(CLOSED, ipv6);
    batch.flushChain(chain).deleteChain(chain);
  }

  /** Whether a table says that this host was no router before. */
  static boolean isClosed(NftSocket socket, String table, boolean ipv6) {
    return socket.rules(Family.INET, table).containsKey(family(CLOSED, ipv6));
  }

  private static String family(String name, boolean ipv6) {
    return name + (ipv6 ? "6" : "4");
  }

  private static String into(GatewayMode mode) {
    return "into-" + mode;
  }

  private void chain(String name) {
    batch.chain(name).flushChain(name);
  }

  private void base(String name, String type, Hook hook, int priority) {
    batch.chain(name, type, hook, priority, Policy.ACCEPT).flushChain(name);
  }

  private void rule(String chain, NftRule rule) {
    batch.rule(chain, rule);
    rules.merge(chain, 1, Integer::sum);
  }

  private void set(NftSet set) {
    batch.set(set).flushSet(set.name());
    elements.put(set.name(), 0);
  }

  private void sets() {
    set(NftSet.of(BRIDGES, Type.INTERFACE));
    set(NftSet.of(WITHIN, Type.INTERFACE, Type.INTERFACE));
    set(NftSet.of(APART, Type.INTERFACE, Type.INTERFACE));
    set(NftSet.of(PROXIED, Type.INTERFACE, Type.PROTOCOL));
    set(NftSet.ofRanges(LINKS, Type.INTERFACE, Type.IPV4, Type.IPV4, Type.PROTOCOL, Type.PORT));
    set(NftSet.of(INTERNAL, Type.INTERFACE));
    set(NftSet.of(TRUSTED, Type.INTERFACE, Type.INTERFACE));
    for (boolean ipv6 : List.of(false, true)) {
      var address = ipv6 ? Type.IPV6 : Type.IPV4;
      set(NftSet.ofRanges(family(OPEN, ipv6), address, Type.PROTOCOL, Type.PORT));
      set(NftSet.map(family(INTO, ipv6), List.of(Type.INTERFACE), Type.VERDICT));
      set(NftSet.ofRanges(family(SUBNETS, ipv6), address));
      set(NftSet.mapOfRanges(family(SOURCES, ipv6), address, address));
      set(NftSet.ofRanges(family(MASQUERADED, ipv6), address));
    }
  }

  /** What may come into a network, by its gateway mode. */
  private void modes() {
    for (GatewayMode mode : GatewayMode.values()) {
      String chain = into(mode);
      rule(chain, new NftRule("published ports").status(DESTINATION_CHANGED).accept());
      if (mode == GatewayMode.ROUTED) {
        routed(chain);
      }
      if (mode == GatewayMode.NAT_UNPROTECTED) {
        rule(chain, new NftRule("networks are apart").load(IN_NAME).in(BRIDGES).drop());
      } else {
        rule(chain, new NftRule("and nothing else").drop());
      }
    }
  }

  private void routed(String chain) {
    rule(chain, new NftRule("containers are apart").load(IN_NAME).load(OUT_NAME).in(APART).drop());
    for (boolean ipv6 : List.of(false, true)) {
      rule(chain, open(new NftRule("published ports"), ipv6).accept());
    }
    rule(chain, new NftRule("").ipv4().protocol(ICMP).accept());
    rule(chain, new NftRule("").ipv6().protocol(ICMPV6).accept());
  }

  private static NftRule open(NftRule rule, boolean ipv6) {
    return (ipv6 ? rule.ipv6() : rule.ipv4())
        .load(ipv6 ? IPV6_DESTINATION : IPV4_DESTINATION)
        .load(PROTOCOL)
        .load(DESTINATION_PORT)
        .in(family(OPEN, ipv6));
  }

  /** What is sent to a port of the host by such a network stays for the proxy, untranslated. */
  private void prerouting(boolean ipv6) {
    var rule = new NftRule("ports by the proxy");
    rule.load(IN_NAME).load(PROTOCOL).in(PROXIED);
    (ipv6 ? rule.ipv6() : rule.ipv4()).load(DESTINATION_TYPE).is(LOCAL).keepDestination(ipv6);
    rule(PREROUTING, rule);
  }

  private void forward() {
    rule(FORWARD, new NftRule("your own rules").jump(OPERATOR));
    rule(FORWARD, new NftRule("").state(ESTABLISHED | RELATED).accept());
    rule(FORWARD, new NftRule("within a network").load(IN_NAME).load(OUT_NAME).in(WITHIN).accept());
    rule(
        FORWARD,
        new NftRule("links")
            .ipv4()
            .load(IN_NAME)
            .load(IPV4_SOURCE)
            .load(IPV4_DESTINATION)
            .load(PROTOCOL)
            .load(DESTINATION_PORT)
            .in(LINKS)
            .accept());
    rule(FORWARD, new NftRule("no way out of internal ones").load(IN_NAME).in(INTERNAL).drop());
    rule(FORWARD, new NftRule("nor into them").load(OUT_NAME).in(INTERNAL).drop());
    for (boolean ipv6 : List.of(false, true)) {
      var trusted = new NftRule("trusted interfaces").load(IN_NAME).load(OUT_NAME).in(TRUSTED);
      rule(FORWARD, open(trusted, ipv6).accept());
    }
    rule(FORWARD, new NftRule("").ipv4().load(OUT_NAME).by(family(INTO, false)));
    rule(FORWARD, new NftRule("").ipv6().load(OUT_NAME).by(family(INTO, true)));
  }

  private void postrouting() {
    String words = "by a published port into the same network";
    rule(
        POSTROUTING,
        new NftRule(words)
            .status(DESTINATION_CHANGED)
            .load(OUT_NAME)
            .in(BRIDGES)
            .ipv4()
            .load(IPV4_SOURCE)
            .in(family(SUBNETS, false))
            .masquerade());
    rule(
        POSTROUTING,
        new NftRule(words)
            .status(DESTINATION_CHANGED)
            .load(OUT_NAME)
            .in(BRIDGES)
            .ipv6()
            .load(IPV6_SOURCE)
            .in(family(SUBNETS, true))
            .masquerade());
    rule(POSTROUTING, new NftRule("").load(OUT_NAME).in(BRIDGES).accept());
    rule(
        POSTROUTING,
        new NftRule("").ipv4().load(IPV4_SOURCE).sourceBy(family(SOURCES, false), false));
    rule(
        POSTROUTING,
        new NftRule("").ipv6().load(IPV6_SOURCE).sourceBy(family(SOURCES, true), true));
    rule(
        POSTROUTING,
        new NftRule("").ipv4().load(IPV4_SOURCE).in(family(MASQUERADED, false)).masquerade());
    rule(
        POSTROUTING,
        new NftRule("").ipv6().load(IPV6_SOURCE).in(family(MASQUERADED, true)).masquerade());
  }

  /** The host forwards because of this driver: for nobody else. */
  private void closed(boolean ipv6, boolean wanted) {
    if (!wanted) {
      return;
    }
    String chain = family(CLOSED, ipv6);
    base(chain, "filter", Hook.FORWARD, AFTER_OTHERS);
    rule(chain, new NftRule("").load(IN_NAME).in(BRIDGES).accept());
    rule(chain, new NftRule("").load(OUT_NAME).in(BRIDGES).accept());
    var drop = new NftRule("this host was no router before");
    rule(chain, (ipv6 ? drop.ipv6() : drop.ipv4()).drop());
  }

  private void content() {
    add(BRIDGES, network -> true, 1);
    add(WITHIN, network -> network.options().icc(), 2);
    add(APART, network -> !network.options().icc(), 2);
    put(PROXIED, Rules::proxied);
    spans(LINKS, Rules::links);
    put(TRUSTED, Rules::trusted);
    add(INTERNAL, network -> network.network().internal(), 1);
    for (boolean ipv6 : List.of(false, true)) {
      var ways =
          networks.stream()
              .map(network -> new Way(name(network, 1), into(network.mode(ipv6))))
              .toList();
      batch.addWays(family(INTO, ipv6), ways);
      elements.put(family(INTO, ipv6), ways.size());
      spans(family(OPEN, ipv6), network -> ports(network, ipv6));
      ranges(family(SUBNETS, ipv6), all(network -> network.subnets(ipv6)));
      sources(family(SOURCES, ipv6), ipv6);
      ranges(family(MASQUERADED, ipv6), all(network -> network.masqueraded(ipv6)));
    }
  }

  private List<Cidr> all(Function<Bridged, List<Cidr>> of) {
    return networks.stream().flatMap(network -> of.apply(network).stream()).distinct().toList();
  }

  private void add(String set, Predicate<Bridged> which, int times) {
    var names = networks.stream().filter(which).map(network -> name(network, times)).toList();
    batch.add(set, names);
    elements.put(set, names.size());
  }

  private void put(String set, Function<Bridged, List<NftValues>> of) {
    var values = networks.stream().flatMap(network -> of.apply(network).stream()).toList();
    batch.add(set, values);
    elements.put(set, values.size());
  }

  private static List<NftValues> proxied(Bridged network) {
    return network.losesTranslated()
        ? Stream.of("tcp", "udp").map(name -> name(network, 1).protocol(number(name))).toList()
        : List.of();
  }

  private static int number(String protocol) {
    return PROTOCOLS.getOrDefault(protocol, 0);
  }

  private void spans(String set, Function<Bridged, Stream<Span>> of) {
    var spans = networks.stream().flatMap(of).toList();
    batch.addSpans(set, spans);
    elements.put(set, spans.size());
  }

  /** Whose links they are: but for the port. */
  private record Linked(String client, String server, String protocol) {}

  private static Stream<Span> links(Bridged network) {
    var links =
        network.links().stream().filter(link -> PROTOCOLS.containsKey(link.protocol())).toList();
    return PortRange.of(
            links,
            link -> new Linked(link.client(), link.server(), link.protocol()),
            Network.Link::port)
        .stream()
        .map(range -> new Span(linked(network, range, true), linked(network, range, false)));
  }

  private static NftValues linked(Bridged network, PortRange<Linked> range, boolean first) {
    return new NftValues()
        .interfaceName(network.bridge())
        .address(Cidr.address(range.of().client()))
        .address(Cidr.address(range.of().server()))
        .protocol(number(range.of().protocol()))
        .port(first ? range.first() : range.last());
  }

  /** Whose ports they are. */
  private record Server(String address, String protocol) {}

  private static Stream<Span> ports(Bridged network, boolean ipv6) {
    var ports =
        network.ports().stream()
            .filter(port -> PROTOCOLS.containsKey(port.protocol()))
            .filter(port -> port.address().indexOf(':') >= 0 == ipv6)
            .toList();
    return PortRange.of(
            ports, port -> new Server(port.address(), port.protocol()), Network.Port::port)
        .stream()
        .map(range -> new Span(served(range, true), served(range, false)));
  }

  private static NftValues served(PortRange<Server> range, boolean first) {
    return new NftValues()
        .address(Cidr.address(range.of().address()))
        .protocol(number(range.of().protocol()))
        .port(first ? range.first() : range.last());
  }

  private static List<NftValues> trusted(Bridged network) {
    return network.trusted().stream()
        .map(name -> new NftValues().interfaceName(name).interfaceName(network.bridge()))
        .toList();
  }

  private void sources(String map, boolean ipv6) {
    var sources = new HashMap<Cidr, InetAddress>();
    networks.forEach(network -> sources.putAll(network.sources(ipv6)));
    batch.addRanges(map, sources);
    elements.put(map, ends(sources.keySet()));
  }

  private void ranges(String set, List<Cidr> ranges) {
    batch.addRanges(set, ranges);
    elements.put(set, ends(ranges));
  }

  /** Ranges are elements where they begin, and where they end. */
  private static int ends(Collection<Cidr> ranges) {
    int ends = (int) ranges.stream().filter(range -> !range.isLast()).count();
    return ranges.size() + ends;
  }

  private static NftValues name(Bridged network, int times) {
    var value = new NftValues();
    for (int i = 0; i < times; i++) {
      value.interfaceName(network.bridge());
    }
    return value;
  }
}
