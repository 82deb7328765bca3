package io.gantry.linux.netlink;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What shall become of one table of nf_tables, all of it or nothing: chains, rules, sets, maps.
 * Tables of others are not touched.
 */
public final class NftBatch {

  /** What a table is for. */
  public enum Family {
    INET(1),
    IPV4(2),
    BRIDGE(7),
    IPV6(10);

    final int number;

    Family(int number) {
      this.number = number;
    }
  }

  /** Where packets meet a chain. */
  public enum Hook {
    PREROUTING,
    INPUT,
    FORWARD,
    OUTPUT,
    POSTROUTING
  }

  /** What becomes of packets that a chain says nothing of. */
  public enum Policy {
    DROP,
    ACCEPT
  }

  static final int DATA_VALUE = 1;
  private static final int DATA_VERDICT = 2;
  static final int SUBSYSTEM = 10;
  static final int NEW_TABLE = 0;
  static final int GET_TABLE = 1;
  private static final int DELETE_TABLE = 2;
  private static final int NEW_CHAIN = 3;
  static final int GET_CHAIN = 4;
  private static final int DELETE_CHAIN = 5;
  static final int NEW_RULE = 6;
  static final int GET_RULE = 7;
  private static final int DELETE_RULE = 8;
  private static final int NEW_SET = 9;
  static final int GET_SET = 10;
  private static final int DELETE_SET = 11;
  static final int NEW_ELEMENT = 12;
  static final int GET_ELEMENT = 13;
  private static final int DELETE_ELEMENT = 14;
  private static final int BATCH_BEGIN = 0x10;
  private static final int BATCH_END = 0x11;

  private static final int LIST_MEMBER = 1;
  private static final int RANGES = 4;
  private static final int MAP = 8;
  private static final int FIELDS = 0x80;
  private static final int RANGE_END = 1;
  private static final int KEY_END = 10;
  private static final int ELEMENTS_A_MESSAGE = 300; // a list is an attribute, of 64 KiB at most

  private final Family family;
  private final String table;
  private final MessageWriter writer = new MessageWriter();
  private int sets;

  public NftBatch(Family family, String table) {
    this.family = family;
    this.table = table;
    writer.mark(BATCH_BEGIN, 0, "change the table " + table);
    head(writer, 0, SUBSYSTEM);
  }

  static void head(MessageWriter writer, int family, int resource) {
    writer.u8(family).u8(0).be16(resource);
  }

  private MessageWriter begin(int type, int flags, String what) {
    writer.begin(SUBSYSTEM << 8 | type, flags, what + " of the table " + table);
    head(writer, family.number, 0);
    return writer.attribute(1, table);
  }

  MessageWriter ended() {
    writer.mark(BATCH_END, 0, "change the table " + table);
    head(writer, 0, SUBSYSTEM);
    return writer;
  }

  /** Makes the table unless it is there. */
  public NftBatch table() {
    begin(NEW_TABLE, MessageWriter.CREATE, "make it");
    return this;
  }

  /** Deletes the table with all there is in it; it must be there. */
  public NftBatch deleteTable() {
    begin(DELETE_TABLE, 0, "delete it");
    return this;
  }

  /** Makes a chain that rules jump to, unless it is there. */
  public NftBatch chain(String name) {
    begin(NEW_CHAIN, MessageWriter.CREATE, "make the chain " + name).attribute(3, name);
    return this;
  }

  /**
   * Makes a chain that packets meet, unless it is there.
   *
   * @param type {@code filter} or {@code nat}
   */
  public NftBatch chain(String name, String type, Hook hook, int priority, Policy policy) {
    begin(NEW_CHAIN, MessageWriter.CREATE, "make the chain " + name)
        .attribute(3, name)
        .nest(4)
        .attributeBe32(1, hook.ordinal())
        .attributeBe32(2, priority)
        .close()
        .attributeBe32(5, policy.ordinal())
        .attribute(7, type);
    return this;
  }

  /** Deletes a chain that no rule jumps to. */
  public NftBatch deleteChain(String name) {
    begin(DELETE_CHAIN, 0, "delete the chain " + name).attribute(3, name);
    return this;
  }

  /** Deletes all rules of a chain. */
  public NftBatch flushChain(String name) {
    begin(DELETE_RULE, 0, "empty the chain " + name).attribute(2, name);
    return this;
  }

  /** Adds a rule as the last one of a chain. */
  public NftBatch rule(String chain, NftRule rule) {
    begin(NEW_RULE, MessageWriter.CREATE | MessageWriter.APPEND, "add a rule to " + chain);
    writer.attribute(2, chain).nest(4);
    rule.write(writer);
    writer.close();
    if (!rule.comment().isEmpty()) {
      writer.attribute(7, rule.userData());
    }
    return this;
  }

  /** Makes a set or a map unless it is there. */
  public NftBatch set(NftSet set) {
    int flags =
        (set.ranges() ? RANGES : 0)
            | (set.data().isEmpty() ? 0 : MAP)
            | (set.hasFields() ? FIELDS : 0);
    begin(NEW_SET, MessageWriter.CREATE, "make the set " + set.name())
        .attribute(2, set.name())
        .attributeBe32(3, flags)
        .attributeBe32(4, NftSet.number(set.keys()))
        .attributeBe32(5, NftSet.bytes(set.keys()))
        .attributeBe32(10, ++sets);
    if (!set.data().isEmpty()) {
      writer.attributeBe32(6, NftSet.number(set.data()));
      writer.attributeBe32(7, NftSet.bytes(set.data()));
    }
    if (set.hasFields()) {
      fields(set.keys());
    }
    writer.attribute(13, set.userData());
    return this;
  }

  /** Where each of the values that stand side by side ends. */
  private void fields(List<NftSet.Type> keys) {
    writer.nest(9).nest(2);
    for (var key : keys) {
      writer.nest(LIST_MEMBER).attributeBe32(1, key.bytes).close();
    }
    writer.close().close();
  }

  /** Deletes a set that no rule looks at. */
  public NftBatch deleteSet(String name) {
    begin(DELETE_SET, 0, "delete the set " + name).attribute(2, name);
    return this;
  }

  /** Deletes all elements of a set. */
  public NftBatch flushSet(String name) {
    begin(DELETE_ELEMENT, 0, "empty the set " + name).attribute(2, name);
    return this;
  }

  // Elements

  /** Adds elements to a set; those that it has already are no error. */
  public NftBatch add(String set, List<NftValues> elements) {
    return each(NEW_ELEMENT, set, elements, value -> key(value.bytes()));
  }

  /** Deletes elements, all of which must be there, of a set or a map. */
  public NftBatch delete(String set, List<NftValues> elements) {
    return each(DELETE_ELEMENT, set, elements, value -> key(value.bytes()));
  }

  /** From one value to another, each of those that stand side by side by itself. */
  public record Span(NftValues first, NftValues last) {}

  /** Adds spans to a set of ranges of several keys, none of which overlap. */
  public NftBatch addSpans(String set, List<Span> spans) {
    return each(
        NEW_ELEMENT,
        set,
        spans,
        span -> {
          key(span.first().bytes());
          writer.nest(KEY_END).attribute(DATA_VALUE, span.last().bytes()).close();
        });
  }

  /** Adds networks to a set of ranges, none of which overlap. */
  public NftBatch addRanges(String set, List<Cidr> networks) {
    return each(
        NEW_ELEMENT,
        set,
        networks,
        network -> {
          key(network.network().address().getAddress());
          endOf(network);
        });
  }

  private void endOf(Cidr network) {
    if (!network.isLast()) {
      writer.close().nest(LIST_MEMBER);
      key(network.behind());
      writer.attributeBe32(3, RANGE_END);
    }
  }

  /** Adds networks to a map of ranges, none of which overlap, with an address for each. */
  public NftBatch addRanges(String map, Map<Cidr, InetAddress> networks) {
    return each(
        NEW_ELEMENT,
        map,
        List.copyOf(networks.entrySet()),
        entry -> {
          key(entry.getKey().network().address().getAddress());
          writer.nest(2).attribute(DATA_VALUE, entry.getValue().getAddress()).close();
          endOf(entry.getKey());
        });
  }

  /** One line of a map to values: keys, and what they lead to. */
  public record Entry(NftValues key, NftValues value) {}

  public NftBatch addEntries(String map, List<Entry> entries) {
    return each(
        NEW_ELEMENT,
        map,
        entries,
        entry -> {
          key(entry.key().bytes());
          writer.nest(2).attribute(DATA_VALUE, entry.value().bytes()).close();
        });
  }

  /** One line of a map to chains. */
  public record Way(NftValues key, String chain) {}

  /** Adds to a map of {@link NftSet.Type#VERDICT} whose packets jump to which chain. */
  public NftBatch addWays(String map, List<Way> ways) {
    return each(
        NEW_ELEMENT,
        map,
        ways,
        way -> {
          key(way.key().bytes());
          writer.nest(2);
          verdict(writer, NftRule.JUMP, way.chain());
          writer.close();
        });
  }

  private <T> NftBatch each(int type, String set, List<T> elements, Consumer<T> one) {
    for (int from = 0; from < elements.size(); from += ELEMENTS_A_MESSAGE) {
      int to = Math.min(elements.size(), from + ELEMENTS_A_MESSAGE);
      begin(type, MessageWriter.CREATE, "change the set " + set).attribute(2, set).nest(3);
      for (T element : elements.subList(from, to)) {
        writer.nest(LIST_MEMBER);
        one.accept(element);
        writer.close();
      }
      writer.close();
    }
    return this;
  }

  private void key(byte[] value) {
    writer.nest(1).attribute(DATA_VALUE, value).close();
  }

  static void verdict(MessageWriter writer, int code, String chain) {
    writer.nest(DATA_VERDICT).attributeBe32(1, code);
    if (!chain.isEmpty()) {
      writer.attribute(2, chain);
    }
    writer.close();
  }
}
