package io.gantry.linux.netlink;

import io.gantry.linux.netlink.NftBatch.Family;
import io.gantry.linux.netlink.NftBatch.Hook;
import io.gantry.linux.netlink.NftBatch.Policy;
import io.gantry.linux.netlink.NftRule.Field;
import io.gantry.spi.GantryException;
import java.net.Inet4Address;

/**
 * Rules for the inside of a container: its look-ups, which go to port 53 of the engine's resolver,
 * reach that one at another port, so that nobody has taken port 53 when the container has a name
 * server of its own that binds it on all addresses.
 *
 * <p>Ports are rewritten packet by packet, there and back, after all other rules: no connection is
 * tracked for it, and a firewall inside sees questions to port 53.
 */
public final class NameRedirect {
  private static final int LAST = 300;
  private static final int NAMES = 53;
  private static final int TCP = 6;
  private static final int UDP = 17;
  private static final String CHAIN = "output";

  private NameRedirect() {}

  /** Whether this kernel has what it takes. */
  public static boolean isPossible() {
    return Kernel.HAS_RULES;
  }

  private static final class Kernel {
    static final boolean HAS_RULES = hasRules();

    private static boolean hasRules() {
      try (var socket = NftSocket.open()) {
        socket.generation();
        return true;
      } catch (GantryException e) {
        return false;
      }
    }
  }

  /**
   * A batch for op NETFILTER of a program, or of a visit; may be carried out again.
   *
   * @param resolver address that is asked, and where the resolver listens
   * @param port it listens on there
   */
  public static byte[] to(Inet4Address resolver, int port) {
    var batch =
        new NftBatch(Family.IPV4, "gantry-names")
            .table()
            .chain(CHAIN, "filter", Hook.OUTPUT, LAST, Policy.ACCEPT)
            .flushChain(CHAIN);
    for (int protocol : new int[] {UDP, TCP}) {
      batch.rule(
          CHAIN,
          from(Field.IPV4_DESTINATION, resolver, protocol, Field.DESTINATION_PORT, NAMES)
              .setPort(Field.DESTINATION_PORT, port, protocol == UDP));
      batch.rule(
          CHAIN,
          from(Field.IPV4_SOURCE, resolver, protocol, Field.SOURCE_PORT, port)
              .setPort(Field.SOURCE_PORT, NAMES, protocol == UDP));
    }
    return batch.ended().bytes();
  }

  private static NftRule from(
      Field address, Inet4Address resolver, int protocol, Field port, int number) {
    return new NftRule("").load(address).is(resolver).protocol(protocol).load(port).isPort(number);
  }
}
