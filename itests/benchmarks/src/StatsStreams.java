import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/** A client of each container's stats stream, as {@code docker stats} has, all on one thread. */
final class StatsStreams {
  private static final byte[] MARK = "\"read\":".getBytes(StandardCharsets.US_ASCII);

  private final Engine engine;
  private final List<String> ids;
  private long samples;

  /** How much of the mark the last bytes of a stream were. */
  private static final class Found {
    private int matched;

    int in(ByteBuffer bytes) {
      int whole = 0;
      while (bytes.hasRemaining()) {
        byte next = bytes.get();
        matched = next == MARK[matched] ? matched + 1 : next == MARK[0] ? 1 : 0;
        if (matched == MARK.length) {
          whole++;
          matched = 0;
        }
      }
      return whole;
    }
  }

  StatsStreams(Engine engine, List<String> ids) {
    this.engine = engine;
    this.ids = ids;
  }

  /** Processor time of the engine and its helpers while they all stream, by sample. */
  double microsPerSample(Duration warmUp, Duration measured) throws IOException {
    try (var selector = Selector.open()) {
      for (String id : ids) {
        open(id).register(selector, SelectionKey.OP_READ, new Found());
      }
      read(selector, warmUp);
      double before = Groups.cpuSeconds(engine);
      samples = 0;
      read(selector, measured);
      double seconds = Groups.cpuSeconds(engine) - before;
      if (samples < ids.size() * measured.toSeconds() / 2) {
        throw new IOException(engine.name() + " sent " + samples + " samples of " + ids.size() + " containers only");
      }
      for (SelectionKey key : selector.keys()) {
        key.channel().close();
      }
      return seconds * 1e6 / samples;
    }
  }

  private SocketChannel open(String id) throws IOException {
    var channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(engine.socket()));
    String request = "GET /v1.41/containers/" + id + "/stats HTTP/1.1\r\nHost: engine\r\n\r\n";
    channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
    channel.configureBlocking(false);
    return channel;
  }

  private void read(Selector selector, Duration time) throws IOException {
    var buffer = ByteBuffer.allocate(1 << 16);
    long end = System.nanoTime() + time.toNanos();
    for (long left = time.toMillis(); left > 0; left = (end - System.nanoTime()) / 1_000_000) {
      selector.select(left);
      for (SelectionKey key : selector.selectedKeys()) {
        buffer.clear();
        if (((SocketChannel) key.channel()).read(buffer) < 0) {
          throw new IOException(engine.name() + " ended a stream of stats");
        }
        samples += ((Found) key.attachment()).in(buffer.flip());
      }
      selector.selectedKeys().clear();
    }
  }
}
