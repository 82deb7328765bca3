package io.gantry.log.syslog;

import io.gantry.linux.UnixDatagram;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.time.Duration;
import java.util.List;

/** One datagram a message: over UDP, which tells of no loss, or to a socket of this host. */
final class DatagramWire implements Wire {
  /** What fits into one over IPv4. */
  private static final int LARGEST = 65_507;

  /** Sends one datagram. */
  private interface Outlet {
    void send(ByteBuffer message) throws IOException;
  }

  private final Outlet outlet;
  private final Runnable close;

  private DatagramWire(Outlet outlet, Runnable close) {
    this.outlet = outlet;
    this.close = close;
  }

  static DatagramWire udp(InetSocketAddress address) throws IOException {
    var channel = DatagramChannel.open();
    try {
      channel.connect(address);
      return new DatagramWire(message -> channel.write(message), () -> closeQuietly(channel));
    } catch (IOException | RuntimeException e) {
      closeQuietly(channel);
      throw e;
    }
  }

  static DatagramWire unix(String path, Duration patience) throws IOException {
    try {
      var socket = UnixDatagram.connect(path, patience);
      return new DatagramWire(
          message -> {
            if (!socket.send(message)) {
              socket.send(cut(message, message.remaining() / 4)); // the rest cannot be sent
            }
          },
          socket::close);
    } catch (GantryException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** Each waits for itself. */
  @Override
  public int atOnce() {
    return 1;
  }

  @Override
  public void send(List<byte[]> messages) throws IOException {
    try {
      for (byte[] message : messages) {
        outlet.send(cut(ByteBuffer.wrap(message), LARGEST));
      }
    } catch (GantryException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static ByteBuffer cut(ByteBuffer message, int most) {
    return message.duplicate().limit(message.position() + Math.min(most, message.remaining()));
  }

  @Override
  public boolean isBroken() {
    return false;
  }

  @Override
  public void close() {
    close.run();
  }

  private static void closeQuietly(DatagramChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // nothing that was sent depends on it
    }
  }
}
