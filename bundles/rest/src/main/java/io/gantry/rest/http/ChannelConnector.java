package io.gantry.rest.http;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import jdk.net.ExtendedSocketOptions;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SelectorManager;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.io.ssl.SslHandshakeListener;
import org.eclipse.jetty.server.AbstractConnector;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.jspecify.annotations.Nullable;

/**
 * Serves what arrives at a listening channel that somebody else opened and closes: the socket
 * inherited from the gate outlives this bundle. It therefore waits in a selector of its own, since
 * interrupting a thread that is blocked in {@code accept} would close the channel.
 */
final class ChannelConnector extends AbstractConnector {

  private static final long HANDSHAKE_MILLIS = 30_000;

  /** As Go's servers: a client that is gone without a word is noticed within minutes. */
  private static final int KEEP_ALIVE_SECONDS = 15;

  private final ServerSocketChannel listening;
  private final @Nullable ServerTls tls;
  private final boolean unix;
  private final SelectorManager connections;
  private volatile @Nullable Selector arrivals;

  /**
   * @param tls null: without encryption
   */
  ChannelConnector(
      Server server,
      ServerSocketChannel listening,
      ConnectionFactory http,
      @Nullable ServerTls tls,
      boolean unix) {
    super(server, null, null, null, 1, factories(http, tls));
    this.listening = listening;
    this.tls = tls;
    this.unix = unix;
    this.connections = new Connections();
    installBean(connections, true);
  }

  private static ConnectionFactory[] factories(ConnectionFactory http, @Nullable ServerTls tls) {
    return tls == null
        ? new ConnectionFactory[] {http}
        : new ConnectionFactory[] {tls.connections(http.getProtocol()), http};
  }

  /** Whether clients come by a Unix socket. */
  boolean isUnix() {
    return unix;
  }

  /** Whether it listens where only processes of this host should come from. */
  boolean isLoopback() {
    return listening.socket().getInetAddress().isLoopbackAddress();
  }

  boolean isEncrypted() {
    return tls != null;
  }

  /** The end of the socket itself, below any encryption. */
  static EndPoint raw(EndPoint endPoint) {
    EndPoint raw = endPoint;
    while (raw instanceof EndPoint.Wrapper wrapper) {
      raw = wrapper.unwrap();
    }
    return raw;
  }

  @Override
  public Object getTransport() {
    return listening;
  }

  @Override
  protected void doStart() throws Exception {
    listening.configureBlocking(false);
    Selector selector = Selector.open();
    listening.register(selector, SelectionKey.OP_ACCEPT);
    arrivals = selector;
    super.doStart();
  }

  @Override
  protected void doStop() throws Exception {
    super.doStop();
    Selector selector = arrivals;
    arrivals = null;
    if (selector != null) {
      selector.close(); // the channel itself stays open
    }
  }

  @Override
  protected void interruptAcceptors() {
    Selector selector = arrivals;
    if (selector != null) {
      selector.wakeup();
    }
  }

  @Override
  protected void accept(int acceptor) throws IOException {
    Selector selector = arrivals;
    if (selector == null) {
      throw new ClosedChannelException();
    }
    selector.select();
    selector.selectedKeys().clear();
    SocketChannel channel = isRunning() ? listening.accept() : null;
    if (channel != null) {
      accepted(channel);
    }
  }

  private void accepted(SocketChannel channel) throws IOException {
    try {
      serve(channel);
    } catch (IOException | RuntimeException e) {
      channel.close(); // nobody else knows of it yet
      throw e;
    }
  }

  private void serve(SocketChannel channel) throws IOException {
    channel.configureBlocking(false);
    if (!unix) {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      channel.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS);
      channel.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, KEEP_ALIVE_SECONDS);
    }
    connections.accept(channel);
  }

  static ServerSocketChannel openUnix() throws IOException {
    return ServerSocketChannel.open(StandardProtocolFamily.UNIX);
  }

  private final class Connections extends SelectorManager {

    Connections() {
      super(ChannelConnector.this.getExecutor(), ChannelConnector.this.getScheduler(), 1);
    }

    @Override
    protected EndPoint newEndPoint(
        SelectableChannel channel, ManagedSelector selector, SelectionKey key) {
      var endPoint = new ClientEndPoint((SocketChannel) channel, selector, key, getScheduler());
      endPoint.setIdleTimeout(tls == null ? getIdleTimeout() : HANDSHAKE_MILLIS);
      return endPoint;
    }

    @Override
    public Connection newConnection(
        SelectableChannel channel, EndPoint endPoint, @Nullable Object attachment) {
      if (tls != null) {
        tls.refresh();
      }
      Connection connection =
          getDefaultConnectionFactory().newConnection(ChannelConnector.this, endPoint);
      if (connection instanceof SslConnection encrypted) {
        encrypted.addHandshakeListener(new Patience(endPoint, getIdleTimeout()));
      }
      return connection;
    }

    @Override
    protected void endPointOpened(EndPoint endPoint) {
      super.endPointOpened(endPoint);
      onEndPointOpened(endPoint);
    }

    @Override
    protected void endPointClosed(EndPoint endPoint) {
      onEndPointClosed(endPoint);
      super.endPointClosed(endPoint);
    }
  }

  /** Whoever has shown that he may come gets more time. */
  private record Patience(EndPoint endPoint, long millis) implements SslHandshakeListener {
    @Override
    public void handshakeSucceeded(Event event) {
      endPoint.setIdleTimeout(millis);
    }
  }
}
