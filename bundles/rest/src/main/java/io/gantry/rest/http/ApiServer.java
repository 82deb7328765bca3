package io.gantry.rest.http;

import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.Engine;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;

/** The HTTP server: its channels, its limits and its threads. */
public final class ApiServer implements AutoCloseable {

  private static final Logger log = System.getLogger(ApiServer.class.getName());
  private static final int MAX_THREADS = 256;
  private static final int IDLE_THREADS = 4;
  private static final int MAX_HEAD_BYTES = 64 * 1024;

  /** Of a request at once; a connection has them only while it reads. */
  private static final int INPUT_BYTES = 32 * 1024;

  /** A client that neither sends nor takes anything of what it asked for is cut off. */
  private static final Duration SILENCE = Duration.ofMinutes(10);

  private final Server server;
  private final HangUps hangUps;
  private final ConnectionFactory http;
  private final TcpAccess access;
  private final Duration silence;
  private @Nullable ServerTls tls;
  private final List<Listening> opened = new ArrayList<>();

  public ApiServer(Router router, Engine engine, String corsOrigins, TcpAccess access) {
    this(router, engine, corsOrigins, access, SILENCE, Holds.ofThisProcess());
  }

  /**
   * @param silence when a client that takes nothing is cut off
   * @param mostHeld so many connections may be held for as long as their clients like
   */
  public ApiServer(
      Router router,
      Engine engine,
      String corsOrigins,
      TcpAccess access,
      Duration silence,
      int mostHeld) {
    this.access = access;
    this.silence = silence;
    var threads = new QueuedThreadPool(MAX_THREADS, IDLE_THREADS);
    threads.setName("rest");
    threads.setDaemon(true);
    threads.setReservedThreads(0); // who selects goes on selecting
    server = new Server(threads, new CoarseScheduler("rest-timer"), null);
    server.setStopTimeout(0);
    hangUps = new HangUps(server.getScheduler());
    var gateway = new Gateway(router, engine, corsOrigins, hangUps, threads, mostHeld);
    server.setHandler(gateway);
    server.setErrorHandler(new Gateway.Refusals(gateway));
    var configuration = new HttpConfiguration();
    configuration.setSendServerVersion(false);
    configuration.setRequestHeaderSize(MAX_HEAD_BYTES);
    configuration.setHeaderCacheSize(0); // 100 kB a connection, and most ask a few times only
    configuration.setUriCompliance(UriCompliance.UNSAFE); // PathText decodes, nothing maps to files
    var connections = new HttpConnectionFactory(configuration);
    connections.setInputBufferSize(INPUT_BYTES);
    http = connections;
  }

  /** Serves a channel that somebody else closes. */
  public void serve(ServerSocketChannel channel) {
    try {
      if (channel.getLocalAddress() instanceof InetSocketAddress where) {
        access.check("tcp://" + where.getHostString() + ":" + where.getPort(), where.getAddress());
        serve(channel, tls(), false);
      } else {
        serve(channel, null, true);
      }
    } catch (IOException e) {
      throw new GantryException(UNAVAILABLE, "the inherited socket is closed", e);
    }
  }

  private void serve(ServerSocketChannel channel, @Nullable ServerTls encryption, boolean unix) {
    var connector = new ChannelConnector(server, channel, http, encryption, unix);
    connector.setIdleTimeout(silence.toMillis());
    server.addConnector(connector);
  }

  /** Opens a channel by its address and serves it. */
  public void listen(String address, String group) {
    Listening listening = Listening.open(address, group, access);
    opened.add(listening);
    boolean unix = listening.socket() != null;
    serve(listening.channel(), unix ? null : tls(), unix);
    log.log(Level.INFO, "API on {0}", address);
    if (!unix && !access.verifies()) {
      log.log(
          Level.WARNING, "who connects to {0} is not asked who he is, and is root here", address);
    }
  }

  /** Read when the first address needs it. */
  private @Nullable ServerTls tls() {
    if (tls == null && access.tls() != null) {
      tls = new ServerTls(access.tls());
    }
    return tls;
  }

  public void start() {
    try {
      server.start();
    } catch (Exception e) { // Jetty declares nothing narrower
      throw new GantryException(INTERNAL, "the API does not start: " + e.getMessage(), e);
    }
  }

  /** Lets go of all clients and of the channels opened here. */
  @Override
  public void close() {
    try {
      server.stop();
    } catch (Exception e) { // Jetty declares nothing narrower
      log.log(Level.WARNING, "the API did not stop cleanly: {0}", Objects.toString(e));
    }
    hangUps.close();
    opened.forEach(Listening::close);
  }
}
