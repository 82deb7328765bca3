package io.gantry.linux.netlink;

import io.gantry.linux.Errno;
import io.gantry.linux.NetlinkSocket;
import io.gantry.linux.SyscallError;
import io.gantry.linux.netlink.Exchange.Answer;
import io.gantry.spi.GantryException;
import java.net.InetAddress;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/**
 * The connections that the kernel keeps track of in the network namespace this was opened in. A
 * translation is decided by a connection's first packet: what comes after it follows, whatever
 * rules say by then.
 */
public final class Connections implements AutoCloseable {
  private static final int SUBSYSTEM = 1;
  private static final int NEW = 0;
  private static final int GET = 1;
  private static final int DELETE = 2;
  private static final int HEAD = 4;
  private static final int MESSAGE = 0xff;
  private static final int NESTED = 0x8000;

  private static final int FIRST_WAY = 1;
  private static final int ID = 12;
  private static final int ZONE = 18;
  private static final int ADDRESSES = 1;
  private static final int TRANSPORT = 2;
  private static final int TO_IPV4 = 2;
  private static final int TO_IPV6 = 4;
  private static final int PROTOCOL = 1;
  private static final int TO_PORT = 3;

  private final Exchange exchange;

  private Connections(Exchange exchange) {
    this.exchange = exchange;
  }

  /** In the network namespace of this thread. */
  public static Connections open() {
    return new Connections(new Exchange(NetlinkSocket.open(NetlinkSocket.NETFILTER)));
  }

  /**
   * Forgets connections by where their first packets went, so that later ones are decided on anew.
   *
   * @param protocol number of the transport protocol
   * @return how many
   */
  public int forget(int protocol, Collection<InetAddress> addresses, Set<Integer> ports) {
    var list = new MessageWriter();
    list.begin(SUBSYSTEM << 8 | GET, MessageWriter.DUMP, "list connections");
    NftBatch.head(list, 0, 0);
    var deletions =
        exchange.ask(
            list,
            answer ->
                isTo(answer, protocol, addresses, ports)
                    ? Optional.of(deletion(answer))
                    : Optional.empty());
    return (int) deletions.stream().filter(this::isDone).count();
  }

  private static boolean isTo(
      Answer answer, int protocol, Collection<InetAddress> addresses, Set<Integer> ports) {
    if ((answer.type() & MESSAGE) != NEW) {
      return false;
    }
    var way = answer.attributes(HEAD).nested(FIRST_WAY);
    var transport = way.nested(TRANSPORT);
    byte[] port = transport.bytes(TO_PORT);
    if ((transport.number(PROTOCOL) & 0xff) != protocol
        || port.length != 2
        || !ports.contains((port[0] & 0xff) << 8 | port[1] & 0xff)) {
      return false;
    }
    var ends = way.nested(ADDRESSES);
    byte[] to = ends.has(TO_IPV4) ? ends.bytes(TO_IPV4) : ends.bytes(TO_IPV6);
    return to.length > 0 && addresses.contains(Cidr.of(to));
  }

  /** By all that tells it from one with the same addresses that comes after it. */
  private static MessageWriter deletion(Answer answer) {
    var all = answer.attributes(HEAD);
    var message = new MessageWriter().begin(SUBSYSTEM << 8 | DELETE, 0, "forget a connection");
    NftBatch.head(message, answer.body().get(0), 0);
    message.attribute(FIRST_WAY | NESTED, all.bytes(FIRST_WAY)).attribute(ID, all.bytes(ID));
    return all.has(ZONE) ? message.attribute(ZONE, all.bytes(ZONE)) : message;
  }

  private boolean isDone(MessageWriter deletion) {
    try {
      exchange.carryOut(deletion);
      return true;
    } catch (GantryException e) {
      if (SyscallError.errno(e) == Errno.ENOENT) {
        return false; // it has ended by itself
      }
      throw e;
    }
  }

  @Override
  public void close() {
    exchange.close();
  }
}
