package io.gantry.rest.http;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
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

  private static final Logger log = System.getLogger(ChannelConnector.class.getName());

  private final ServerSocketChannel listening;
  private final SelectorManager connections;
  private volatile @Nullable Selector arrivals;

  ChannelConnector(Server server, ServerSocketChannel listening, ConnectionFactory http) {
    super(server, null, null, null, 1, http);
    this.listening = listening;
    this.connections = new Connections();
    installBean(connections, true);
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
    channel.configureBlocking(false);
    SocketAddress address = channel.getLocalAddress();
    if (!(address instanceof UnixDomainSocketAddress)) {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    } else if (log.isLoggable(Level.DEBUG)) {
      log.log(Level.DEBUG, "client {0}", channel.getOption(ExtendedSocketOptions.SO_PEERCRED));
    }
    connections.accept(channel);
  }

  static boolean isUnix(ServerSocketChannel channel) throws IOException {
    return channel.getLocalAddress() instanceof UnixDomainSocketAddress;
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
      endPoint.setIdleTimeout(getIdleTimeout());
      return endPoint;
    }

    @Override
    public Connection newConnection(
        SelectableChannel channel, EndPoint endPoint, @Nullable Object attachment) {
      return getDefaultConnectionFactory().newConnection(ChannelConnector.this, endPoint);
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
}
