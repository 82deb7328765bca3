package io.gantry.linux.netlink;

import io.gantry.linux.Errno;
import io.gantry.linux.NetlinkSocket;
import io.gantry.linux.SyscallError;
import io.gantry.linux.netlink.Exchange.Answer;
import io.gantry.linux.netlink.NftBatch.Family;
import io.gantry.spi.GantryException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The rules of the network namespace it was opened in. For any thread. */
public final class NftSocket implements AutoCloseable {

  /** A table of this host. */
  public record Table(int family, String name) {}

  /**
   * A chain that packets meet.
   *
   * @param hook as {@link NftBatch.Hook} counts
   */
  public record BaseChain(
      int family, String table, String name, String type, int hook, int priority, boolean drops) {}

  private static final int GET_GENERATION = 16;
  private static final int HEAD = 4;
  private static final int MESSAGE = 0xff;
  private static final int EVERY_FAMILY = 0;

  private final Exchange exchange;

  private NftSocket(Exchange exchange) {
    this.exchange = exchange;
  }

  /**
   * In the network namespace of this thread.
   *
   * @throws GantryException where the kernel has no netfilter
   */
  public static NftSocket open() {
    return new NftSocket(new Exchange(NetlinkSocket.open(NetlinkSocket.NETFILTER)));
  }

  /**
   * The number that the kernel names this socket by when it tells of changes ({@link NftWatch}); 0
   * until it has answered something.
   */
  public int port() {
    return exchange.port();
  }

  /** Carries a batch out, all of it or, when this throws, nothing. */
  public void send(NftBatch batch) {
    exchange.carryOut(batch.ended());
  }

  /**
   * A number that changes with every change of any table of this namespace.
   *
   * @throws GantryException where the kernel has no nf_tables
   */
  public int generation() {
    var request = request(GET_GENERATION, 0, EVERY_FAMILY, "ask for the generation of the rules");
    return exchange.ask(request, answer -> Optional.of(answer.attributes(HEAD).be32(1))).get(0);
  }

  public List<Table> tables() {
    var request = request(NftBatch.GET_TABLE, MessageWriter.DUMP, EVERY_FAMILY, "list the tables");
    return exchange.ask(
        request,
        answer -> Optional.of(new Table(answer.body().get(0), answer.attributes(HEAD).text(1))));
  }

  /** The chains of all tables that packets meet. */
  public List<BaseChain> baseChains() {
    var request = request(NftBatch.GET_CHAIN, MessageWriter.DUMP, EVERY_FAMILY, "list the chains");
    return exchange.ask(request, NftSocket::baseChain);
  }

  private static Optional<BaseChain> baseChain(Answer answer) {
    var all = answer.attributes(HEAD);
    if (!all.has(4)) {
      return Optional.empty();
    }
    return Optional.of(
        new BaseChain(
            answer.body().get(0),
            all.text(1),
            all.text(3),
            all.text(7),
            all.nested(4).be32(1),
            all.nested(4).be32(2),
            all.be32(5) == NftBatch.Policy.DROP.ordinal()));
  }

  /** Names of the chains of a table. */
  public Set<String> chains(Family family, String table) {
    var request = request(NftBatch.GET_CHAIN, MessageWriter.DUMP, family.number, "list the chains");
    return new HashSet<>(exchange.ask(request, answer -> in(table, answer, 3)));
  }

  /** How many rules the chains of a table have, by name; those without rules are not there. */
  public Map<String, Integer> rules(Family family, String table) {
    var request = request(NftBatch.GET_RULE, MessageWriter.DUMP, family.number, "list the rules");
    request.attribute(1, table);
    var counts = new TreeMap<String, Integer>();
    for (String chain : exchange.ask(request, answer -> in(table, answer, 2))) {
      counts.merge(chain, 1, Integer::sum);
    }
    return counts;
  }

  /** A name that an answer has, if it speaks of the table. */
  private static Optional<String> in(String table, Answer answer, int name) {
    var all = answer.attributes(HEAD);
    return all.text(1).equals(table) ? Optional.of(all.text(name)) : Optional.empty();
  }

  /** How many elements a set has, ends of ranges counted too; -1 when it is not there. */
  public int elements(Family family, String table, String set) {
    var request =
        request(NftBatch.GET_ELEMENT, MessageWriter.DUMP, family.number, "list the set " + set);
    request.attribute(1, table).attribute(2, set);
    try {
      var parts = exchange.ask(request, NftSocket::elements);
      return parts.stream().mapToInt(Integer::intValue).sum();
    } catch (GantryException e) {
      if (SyscallError.errno(e) == Errno.ENOENT) {
        return -1;
      }
      throw e;
    }
  }

  private static Optional<Integer> elements(Answer answer) {
    return (answer.type() & MESSAGE) == NftBatch.NEW_ELEMENT
        ? Optional.of(Attributes.list(answer.attributes(HEAD).raw(3)).size())
        : Optional.empty();
  }

  /** Names of the sets and maps of a table. */
  public Set<String> sets(Family family, String table) {
    var request = request(NftBatch.GET_SET, MessageWriter.DUMP, family.number, "list the sets");
    request.attribute(1, table);
    try {
      return new HashSet<>(
          exchange.ask(request, answer -> Optional.of(answer.attributes(HEAD).text(2))));
    } catch (GantryException e) {
      if (SyscallError.errno(e) == Errno.ENOENT) {
        return Set.of();
      }
      throw e;
    }
  }

  private static MessageWriter request(int type, int flags, int family, String name) {
    var request = new MessageWriter().begin(NftBatch.SUBSYSTEM << 8 | type, flags, name);
    NftBatch.head(request, family, 0);
    return request;
  }

  @Override
  public void close() {
    exchange.close();
  }
}
