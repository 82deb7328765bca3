package io.gantry.linux.netlink;

import io.gantry.linux.netlink.RouteMessages.Kind;
import java.util.function.Consumer;

/**
 * One message about a link, to which is added what the link shall be. Each call adds to the message
 * that was begun last.
 */
public final class LinkMessage {
  private static final int ADDRESS = 1;
  private static final int NAME = 3;
  private static final int MTU = 4;
  private static final int PARENT = 5;
  private static final int MASTER = 10;
  private static final int INFO = 18;
  private static final int NAMESPACE_OF_PID = 19;
  private static final int ALIAS = 20;
  private static final int FAMILIES = 26;
  private static final int NEW_INDEX = 49; // since Linux 5.13

  private static final int INFO_KIND = 1;
  private static final int INFO_DATA = 2;
  private static final int INFO_PORT_KIND = 4;
  private static final int INFO_PORT = 5;
  private static final int PORT_HAIRPIN = 4;
  private static final int PORT_LEARNING = 8;
  private static final int PORT_FLUSH = 24;
  private static final int[] PORT_FLOODS = {9, 27, 30}; // unknown, multicast, broadcast
  private static final int PORT_ISOLATED = 33;
  private static final int VETH_PEER = 1;
  private static final int INET6 = 10;
  private static final int INET6_LINK_LOCAL = 8;
  private static final int NO_LINK_LOCAL = 1;

  private static final int FLAGS = 8; // in ifinfomsg, and what of them is meant 4 bytes later
  private static final int UP = 1;

  private final MessageWriter writer;

  LinkMessage(MessageWriter writer) {
    this.writer = writer;
  }

  LinkMessage made(Kind kind) {
    writer.nest(INFO).attribute(INFO_KIND, kind.text()).close();
    return this;
  }

  /** A link that shares the interface of another one. */
  LinkMessage child(Kind kind, int parent, Consumer<MessageWriter> data) {
    writer.attribute32(PARENT, parent);
    writer.nest(INFO).attribute(INFO_KIND, kind.text()).nest(INFO_DATA);
    data.accept(writer);
    writer.close().close();
    return this;
  }

  /** Of a link that is addressed by index: renames it, which it must be down for. */
  public LinkMessage name(String name) {
    writer.attribute(NAME, name);
    return this;
  }

  /**
   * @param mac {@code 02:42:ac:11:00:02}
   */
  public LinkMessage mac(String mac) {
    writer.attribute(ADDRESS, Mac.bytes(mac));
    return this;
  }

  public LinkMessage mtu(int bytes) {
    writer.attribute32(MTU, bytes);
    return this;
  }

  /** Words that come with it; the kernel takes them for a link that exists, not for a new one. */
  public LinkMessage alias(String words) {
    writer.attribute(ALIAS, words);
    return this;
  }

  /**
   * @param index of the bridge whose port it becomes, 0 for none
   */
  public LinkMessage master(int index) {
    writer.attribute32(MASTER, index);
    return this;
  }

  /** Moves it into the network namespace of a process. */
  public LinkMessage namespaceOf(long pid) {
    writer.attribute32(NAMESPACE_OF_PID, pid);
    return this;
  }

  /**
   * Of a link that is addressed by index and down: moves it and gives it the name that is said
   * beside this.
   *
   * @param index that it gets there; 0: its own, or any where another has that
   */
  public LinkMessage namespaceOf(long pid, int index) {
    namespaceOf(pid);
    if (index > 0) {
      writer.attribute32(NEW_INDEX, index);
    }
    return this;
  }

  public LinkMessage up() {
    writer.or32(FLAGS, UP);
    writer.or32(FLAGS + 4, UP);
    return this;
  }

  public LinkMessage down() {
    writer.or32(FLAGS + 4, UP);
    return this;
  }

  /** No IPv6 address of its own making; for a link that exists, before it is raised. */
  public LinkMessage noLinkLocal() {
    writer.nest(FAMILIES).nest(INET6).attribute8(INET6_LINK_LOCAL, NO_LINK_LOCAL).close().close();
    return this;
  }

  /**
   * Of a port of a bridge, which it is already.
   *
   * @param hairpin what came in may go out by it
   * @param isolated no other isolated port is reached
   */
  public LinkMessage port(boolean hairpin, boolean isolated) {
    writer.nest(INFO).attribute(INFO_PORT_KIND, Kind.BRIDGE.text()).nest(INFO_PORT);
    writer.attribute8(PORT_HAIRPIN, hairpin ? 1 : 0).attribute8(PORT_ISOLATED, isolated ? 1 : 0);
    writer.close().close();
    return this;
  }

  /**
   * Of a port of a bridge: nothing goes out by it any more, since addresses behind it are forgotten
   * and none is learned. Unlike a port that is taken away it takes no wait for other processors.
   * Its state is no means: the bridge puts that right with the next notice about the link.
   */
  public LinkMessage mute() {
    writer.nest(INFO).attribute(INFO_PORT_KIND, Kind.BRIDGE.text()).nest(INFO_PORT);
    writer.attribute8(PORT_LEARNING, 0).attribute(PORT_FLUSH, new byte[0]);
    for (int flood : PORT_FLOODS) {
      writer.attribute8(flood, 0);
    }
    writer.close().close();
    return this;
  }

  LinkMessage peer(RouteMessages.Peer peer, int mtu) {
    writer.nest(INFO).attribute(INFO_KIND, Kind.VETH.text()).nest(INFO_DATA).nest(VETH_PEER);
    RouteMessages.head(writer, peer.index());
    writer.attribute(NAME, peer.name());
    if (peer.pid() > 0) {
      namespaceOf(peer.pid());
    }
    if (!peer.mac().isEmpty()) {
      mac(peer.mac());
    }
    if (mtu > 0) {
      mtu(mtu);
    }
    writer.close().close().close();
    return this;
  }
}
