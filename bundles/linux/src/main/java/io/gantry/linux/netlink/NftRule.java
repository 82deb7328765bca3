package io.gantry.linux.netlink;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A rule of nf_tables: conditions, which a packet has to meet from the first to the last, and what
 * becomes of it then. Written as the kernel's expressions on registers.
 *
 * <p>What is loaded by several {@code load…} calls in a row stands side by side, as the elements of
 * the set that is asked next; {@link #in}, {@link #notIn}, {@link #is} and {@link #by} look at it.
 */
public final class NftRule {
  /** Bits of connection tracking's states and status, for {@link #state} and {@link #status}. */
  public static final int ESTABLISHED = 2;

  public static final int RELATED = 4;

  /** The destination is not what the first packet was sent to: it came by a published port. */
  public static final int DESTINATION_CHANGED = 32;

  /** What can be loaded of a packet. */
  public enum Field {
    IN_NAME(16),
    OUT_NAME(16),
    PROTOCOL(1),
    FAMILY(1),
    IPV4_SOURCE(4),
    IPV4_DESTINATION(4),
    IPV6_SOURCE(16),
    IPV6_DESTINATION(16),
    SOURCE_PORT(2),
    DESTINATION_PORT(2),
    /** Kind of the destination address to this host: {@link NftRule#LOCAL}. */
    DESTINATION_TYPE(4);

    private final int bytes;

    Field(int bytes) {
      this.bytes = bytes;
    }
  }

  /** Value of {@link Field#DESTINATION_TYPE} for addresses of this host. */
  public static final int LOCAL = 2;

  static final int VERDICT_REGISTER = 0;
  private static final int FIRST = 8; // NFT_REG32_00: registers of 4 bytes
  private static final int EXPRESSION = 1; // NFTA_LIST_ELEM
  private static final int SOURCE_NAT = 0;
  private static final int DESTINATION_NAT = 1;
  private static final int NAME = 1;
  private static final int DATA = 2;

  static final int ACCEPT = 1;
  static final int DROP = 0;
  static final int JUMP = -3;
  static final int RETURN = -5;

  private final String comment;
  private final List<Consumer<MessageWriter>> expressions = new ArrayList<>();
  private int register = FIRST;
  private int lastBytes;

  /**
   * @param comment for whoever lists the rules, at most 120 bytes
   */
  public NftRule(String comment) {
    this.comment = comment;
  }

  public String comment() {
    return comment;
  }

  // Loads

  public NftRule load(Field field) {
    int target = register;
    switch (field) {
      case IN_NAME -> meta(6, target);
      case OUT_NAME -> meta(7, target);
      case FAMILY -> meta(15, target);
      case PROTOCOL -> meta(16, target);
      case IPV4_SOURCE -> payload(1, 12, 4, target);
      case IPV4_DESTINATION -> payload(1, 16, 4, target);
      case IPV6_SOURCE -> payload(1, 8, 16, target);
      case IPV6_DESTINATION -> payload(1, 24, 16, target);
      case SOURCE_PORT -> payload(2, 0, 2, target);
      case DESTINATION_PORT -> payload(2, 2, 2, target);
      case DESTINATION_TYPE ->
          add("fib", w -> w.attributeBe32(1, target).attributeBe32(2, 3).attributeBe32(3, 2));
    }
    register += (field.bytes + 3) / 4;
    lastBytes = field.bytes;
    return this;
  }

  private void meta(int key, int target) {
    add("meta", w -> w.attributeBe32(1, target).attributeBe32(2, key));
  }

  private void payload(int base, int offset, int length, int target) {
    add(
        "payload",
        w ->
            w.attributeBe32(1, target)
                .attributeBe32(2, base)
                .attributeBe32(3, offset)
                .attributeBe32(4, length));
  }

  // Conditions

  /** The number that was loaded, and nothing else, is this. */
  public NftRule is(int value) {
    return compare(0, lastBytes == 1 ? new byte[] {(byte) value} : host32(value));
  }

  /** The address that was loaded is this. */
  public NftRule is(InetAddress address) {
    return compare(0, address.getAddress());
  }

  public NftRule isPort(int number) {
    return compare(0, port(number));
  }

  /** The interface that was loaded has this name. */
  public NftRule is(String name) {
    return compare(0, NftValues.name(name));
  }

  public NftRule isNot(String name) {
    return compare(1, NftValues.name(name));
  }

  private NftRule compare(int how, byte[] value) {
    add(
        "cmp",
        w ->
            w.attributeBe32(1, FIRST)
                .attributeBe32(2, how)
                .nest(3)
                .attribute(NftBatch.DATA_VALUE, value)
                .close());
    return done();
  }

  /** What was loaded is an element of the set. */
  public NftRule in(String set) {
    add("lookup", w -> w.attribute(1, set).attributeBe32(2, FIRST));
    return done();
  }

  public NftRule notIn(String set) {
    add("lookup", w -> w.attribute(1, set).attributeBe32(2, FIRST).attributeBe32(5, 1));
    return done();
  }

  /** The packet is IPv4, and what is loaded next may be of its head. */
  public NftRule ipv4() {
    return load(Field.FAMILY).is(RouteMessages.INET);
  }

  public NftRule ipv6() {
    return load(Field.FAMILY).is(RouteMessages.INET6);
  }

  public NftRule protocol(int number) {
    return load(Field.PROTOCOL).is(number);
  }

  /** The connection is in one of these states. */
  public NftRule state(int bits) {
    return connection(0, bits);
  }

  /** The connection has one of these marks of status. */
  public NftRule status(int bits) {
    return connection(2, bits);
  }

  private NftRule connection(int key, int bits) {
    add("ct", w -> w.attributeBe32(1, FIRST).attributeBe32(2, key));
    and(host32(bits));
    return compare(1, host32(0));
  }

  /** The packet goes to an address of a network. */
  public NftRule to(Cidr network) {
    (network.isIpv6() ? ipv6() : ipv4())
        .load(network.isIpv6() ? Field.IPV6_DESTINATION : Field.IPV4_DESTINATION);
    and(network.mask());
    return compare(0, network.network().address().getAddress());
  }

  private void and(byte[] mask) {
    add(
        "bitwise",
        w ->
            w.attributeBe32(1, FIRST)
                .attributeBe32(2, FIRST)
                .attributeBe32(3, mask.length)
                .nest(4)
                .attribute(NftBatch.DATA_VALUE, mask)
                .close()
                .nest(5)
                .attribute(NftBatch.DATA_VALUE, new byte[mask.length])
                .close());
  }

  private NftRule done() {
    register = FIRST;
    lastBytes = 0;
    return this;
  }

  // What becomes of the packet

  public NftRule accept() {
    return verdict(ACCEPT, "");
  }

  public NftRule drop() {
    return verdict(DROP, "");
  }

  public NftRule jump(String chain) {
    return verdict(JUMP, chain);
  }

  /** Back to the chain that jumped here. */
  public NftRule back() {
    return verdict(RETURN, "");
  }

  private NftRule verdict(int code, String chain) {
    add(
        "immediate",
        w -> {
          w.attributeBe32(1, VERDICT_REGISTER).nest(2);
          NftBatch.verdict(w, code, chain);
          w.close();
        });
    return done();
  }

  /** What a map has for what was loaded: its elements say what becomes of the packet. */
  public NftRule by(String map) {
    add(
        "lookup",
        w -> w.attribute(1, map).attributeBe32(2, FIRST).attributeBe32(3, VERDICT_REGISTER));
    return done();
  }

  /** The packet goes out under an address of the interface it goes out by. */
  public NftRule masquerade() {
    add("masq", w -> {});
    return done();
  }

  /** The packet goes out under the address that a map has for what was loaded. */
  public NftRule sourceBy(String map, boolean ipv6) {
    add("lookup", w -> w.attribute(1, map).attributeBe32(2, FIRST).attributeBe32(3, FIRST));
    add("nat", w -> address(w, SOURCE_NAT, ipv6));
    return done();
  }

  /**
   * The packet goes where a map says for what was loaded: to the address and the port that stand
   * side by side there.
   */
  public NftRule destinationBy(String map, boolean ipv6) {
    int port = FIRST + (ipv6 ? 4 : 1);
    add("lookup", w -> w.attribute(1, map).attributeBe32(2, FIRST).attributeBe32(3, FIRST));
    add(
        "nat",
        w -> address(w, DESTINATION_NAT, ipv6).attributeBe32(5, port).attributeBe32(6, port));
    return done();
  }

  /** The packet goes to where it was sent: translation is over, no later chain is asked. */
  public NftRule keepDestination(boolean ipv6) {
    load(ipv6 ? Field.IPV6_DESTINATION : Field.IPV4_DESTINATION);
    add("nat", w -> address(w, DESTINATION_NAT, ipv6));
    return done();
  }

  /** The address that is loaded. */
  private static MessageWriter address(MessageWriter writer, int translation, boolean ipv6) {
    return writer
        .attributeBe32(1, translation)
        .attributeBe32(2, ipv6 ? RouteMessages.INET6 : RouteMessages.INET)
        .attributeBe32(3, FIRST)
        .attributeBe32(4, FIRST);
  }

  /**
   * The packet has another port from here on; no connection is kept in mind.
   *
   * @param field {@link Field#SOURCE_PORT} or {@link Field#DESTINATION_PORT}
   * @param udp whether its checksum is where UDP has it, or TCP
   */
  public NftRule setPort(Field field, int number, boolean udp) {
    add(
        "immediate",
        w ->
            w.attributeBe32(1, FIRST).nest(2).attribute(NftBatch.DATA_VALUE, port(number)).close());
    add(
        "payload",
        w ->
            w.attributeBe32(5, FIRST)
                .attributeBe32(2, 2)
                .attributeBe32(3, field == Field.SOURCE_PORT ? 0 : 2)
                .attributeBe32(4, 2)
                .attributeBe32(6, 1)
                .attributeBe32(7, udp ? 6 : 16));
    return done();
  }

  // Writing

  private void add(String name, Consumer<MessageWriter> data) {
    expressions.add(
        w -> {
          w.nest(EXPRESSION).attribute(NAME, name).nest(DATA);
          data.accept(w);
          w.close().close();
        });
  }

  void write(MessageWriter writer) {
    expressions.forEach(expression -> expression.accept(writer));
  }

  /** As nft(8) keeps comments: a type, a length, a string. */
  byte[] userData() {
    byte[] text = comment.getBytes(UTF_8);
    return ByteBuffer.allocate(text.length + 3)
        .put((byte) 0)
        .put((byte) (text.length + 1))
        .put(text)
        .array();
  }

  private static byte[] port(int number) {
    return new byte[] {(byte) (number >> 8), (byte) number};
  }

  private static byte[] host32(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array();
  }
}
