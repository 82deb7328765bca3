package io.gantry.rest.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import jdk.net.ExtendedSocketOptions;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.util.thread.Invocable;
import org.eclipse.jetty.util.thread.Invocable.InvocationType;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection. The docker command line up to 20.10 opens one for each attach and exec and
 * sends it with an empty {@code Host}, which Go's servers take and Jetty refuses, whatever its
 * compliance: so the first head gets a host, of the same length as the blank before it.
 */
final class ClientEndPoint extends SocketChannelEndPoint {

  private static final byte[] HEAD_END = "\r\n\r\n".getBytes(ISO_8859_1);
  private static final byte[] NO_HOST = "\r\nHost: \r\n".getBytes(ISO_8859_1);
  private static final int BLANK = NO_HOST.length - 3;

  private final SocketChannel channel;
  private final ClientSelector selector;
  private final boolean servedAtOnce;
  private boolean begun;
  private volatile String process = ""; // not looked up yet

  /**
   * @param servedAtOnce by the selecting thread, or by another
   */
  ClientEndPoint(
      SocketChannel channel,
      ClientSelector selector,
      SelectionKey key,
      Scheduler scheduler,
      boolean servedAtOnce) {
    super(channel, selector, key, scheduler);
    this.channel = channel;
    this.selector = selector;
    this.servedAtOnce = servedAtOnce;
  }

  ClientSelector selector() {
    return selector;
  }

  /** Whether the selecting thread reads from it and answers what is quick. */
  boolean isServedAtOnce() {
    return servedAtOnce;
  }

  @Override
  public @Nullable Runnable onSelected() {
    Runnable task = super.onSelected();
    return task == null || servedAtOnce ? task : Invocable.from(InvocationType.BLOCKING, task);
  }

  /** As {@link #process}, or empty where it would have to look. */
  String knownProcess() {
    return process;
  }

  /**
   * User and group of the process that connected to a Unix socket. They stay what they were then,
   * and the system's tables of names are files: one look does for all requests of a connection.
   */
  String process() throws IOException {
    String known = process;
    if (known.isEmpty()) {
      var peer = channel.getOption(ExtendedSocketOptions.SO_PEERCRED);
      known = "user " + peer.user().getName() + ", group " + peer.group().getName();
      process = known;
    }
    return known;
  }

  @Override
  public int fill(ByteBuffer buffer) throws IOException {
    int filled = super.fill(buffer);
    if (filled > 0 && !begun) {
      begun = true;
      nameHost(buffer);
    }
    return filled;
  }

  private static void nameHost(ByteBuffer head) {
    for (int at = head.position(); at <= head.limit() - NO_HOST.length; at++) {
      if (isAt(head, at, HEAD_END)) {
        return;
      }
      if (isAt(head, at, NO_HOST)) {
        head.put(at + BLANK, (byte) '-');
        return;
      }
    }
  }

  private static boolean isAt(ByteBuffer bytes, int at, byte[] wanted) {
    for (int i = 0; i < wanted.length; i++) {
      if (bytes.get(at + i) != wanted[i]) {
        return false;
      }
    }
    return true;
  }
}
