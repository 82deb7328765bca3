package io.gantry.log.syslog;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A stream over TCP or to a socket of this host; never waits longer than its patience. */
final class StreamWire implements Wire {
  private final SocketChannel channel;
  private final Selector selector;
  private final Duration patience;

  private StreamWire(SocketChannel channel, Selector selector, Duration patience) {
    this.channel = channel;
    this.selector = selector;
    this.patience = patience;
  }

  /**
   * @param channel not connected yet
   */
  static StreamWire connect(SocketChannel channel, SocketAddress address, Duration patience)
      throws IOException {
    Selector selector = null;
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.SO_SNDBUF, SEND_BUFFER);
      selector = Selector.open();
      var wire = new StreamWire(channel, selector, patience);
      if (!channel.connect(address)) {
        wire.await(SelectionKey.OP_CONNECT, System.nanoTime() + patience.toNanos());
        channel.finishConnect();
      }
      return wire;
    } catch (IOException | RuntimeException e) {
      channel.close();
      if (selector != null) {
        selector.close();
      }
      throw e;
    }
  }

  private void await(int operation, long end) throws IOException {
    var key = channel.keyFor(selector);
    if (key == null) {
      channel.register(selector, operation);
    } else {
      key.interestOps(operation);
    }
    selector.selectedKeys().clear();
    long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
    if (left <= 0 || selector.select(left) == 0) {
      throw new ConnectException("i/o timeout");
    }
  }

  @Override
  public int atOnce() {
    return 16 * 1024;
  }

  @Override
  public void send(List<byte[]> messages) throws IOException {
    long end = System.nanoTime() + patience.toNanos();
    for (byte[] message : messages) {
      for (var left = ByteBuffer.wrap(message); left.hasRemaining(); ) {
        if (channel.write(left) == 0) {
          await(SelectionKey.OP_WRITE, end);
        }
      }
    }
  }

  /** A server that says something is read past; one that has closed says its end. */
  @Override
  public boolean isBroken() {
    var said = ByteBuffer.allocate(1024);
    try {
      while (true) {
        int count = channel.read(said.clear());
        if (count <= 0) {
          return count < 0;
        }
      }
    } catch (IOException e) {
      return true;
    }
  }

  @Override
  public void close() {
    try {
      selector.close();
      channel.close();
    } catch (IOException e) {
      // what was written is the kernel's
    }
  }
}
