package io.gantry.rest.http;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Objects;
import java.util.concurrent.Executor;
import jdk.net.ExtendedSocketOptions;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SelectorManager;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.io.ssl.SslHandshakeListener;
import org.eclipse.jetty.server.AbstractConnector;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.jspecify.annotations.Nullable;

/**
 * Serves what arrives at a listening channel that somebody else opened and closes: the socket
 * inherited from the gate outlives this bundle.
 *
 * <p>One thread accepts, reads and parses ({@link ClientSelector}), and carries out what is quick.
 * With encryption it only accepts and looks who has sent something: handshakes take a while, and
 * certificates are files.
 */
final class ChannelConnector extends AbstractConnector {

  private static final long HANDSHAKE_MILLIS = 30_000;

  /** As Go's servers: a client that is gone without a word is noticed within minutes. */
  private static final int KEEP_ALIVE_SECONDS = 15;

  private final ServerSocketChannel listening;
  private final @Nullable ServerTls tls;
  private final boolean unix;
  private final Connections connections;
  private Runnable noMoreClients = () -> {};

  /**
   * @param tls null: without encryption
   */
  ChannelConnector(
      Server server,
      ServerSocketChannel listening,
      ConnectionFactory http,
      @Nullable ServerTls tls,
      boolean unix) {
    super(server, resuming(server.getThreadPool()), null, null, 0, factories(http, tls));
    this.listening = listening;
    this.tls = tls;
    this.unix = unix;
    this.connections = new Connections();
    installBean(connections, true);
  }

  /**
   * Jetty has a connection go on by the executor when another thread than the one that read a
   * request has answered it. It only reads: that thread does it.
   */
  private static Executor resuming(Executor threads) {
    return task -> {
      if (task instanceof Connection connection
          && connection.getEndPoint() instanceof ClientEndPoint client
          && client.isServedAtOnce()) {
        client.selector().run(task);
      } else {
        threads.execute(task);
      }
    };
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

  /** Whether the current thread is the one that waits for the client of this request. */
  static boolean isSelecting(Request request) {
    var connection = request.getConnectionMetaData().getConnection();
    return raw(connection.getEndPoint()) instanceof ClientEndPoint client
        && client.selector().isCurrent();
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
    super.doStart();
    noMoreClients = connections.selector().accept(listening, this::receive);
  }

  @Override
  protected void doStop() throws Exception {
    noMoreClients.run();
    super.doStop();
  }

  @Override
  protected void accept(int acceptor) {
    throw new UnsupportedOperationException("the selecting thread accepts");
  }

  private void receive(SocketChannel channel) throws IOException {
    channel.configureBlocking(false);
    if (!unix) {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      channel.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS);
      channel.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, KEEP_ALIVE_SECONDS);
    }
    if (tls == null) {
      connections.open(channel);
    } else {
      connections.accept(channel);
    }
  }

  static ServerSocketChannel openUnix() throws IOException {
    return ServerSocketChannel.open(StandardProtocolFamily.UNIX);
  }

  private final class Connections extends SelectorManager {

    private @Nullable ClientSelector selector;

    Connections() {
      super(getServer().getThreadPool(), ChannelConnector.this.getScheduler(), 1);
    }

    ClientSelector selector() {
      return Objects.requireNonNull(selector, "not started");
    }

    @Override
    protected ManagedSelector newSelector(int id) {
      var made = new ClientSelector(this, id);
      selector = made;
      return made;
    }

    /** What goes with a new connection, on the selecting thread. */
    void open(SocketChannel channel) throws IOException {
      var key = channel.register(selector().getSelector(), 0);
      var endPoint = newEndPoint(channel, selector(), key);
      endPoint.setConnection(newConnection(channel, endPoint, null));
      key.attach(endPoint);
      endPoint.onOpen();
      endPointOpened(endPoint);
      connectionOpened(endPoint.getConnection(), null);
    }

    /** What Jetty has to do at the end of a connection; with encryption at its beginning, too. */
    @Override
    protected void execute(Runnable task) {
      var selecting = selector;
      if (tls == null && selecting != null && selecting.isSelecting()) {
        selecting.run(task);
      } else {
        super.execute(task);
      }
    }

    @Override
    protected EndPoint newEndPoint(
        SelectableChannel channel, ManagedSelector selector, SelectionKey key) {
      var endPoint =
          new ClientEndPoint(
              (SocketChannel) channel, (ClientSelector) selector, key, getScheduler(), tls == null);
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
