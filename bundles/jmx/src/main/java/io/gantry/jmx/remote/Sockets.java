package io.gantry.jmx.remote;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.trust.TlsFiles;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.lang.System.Logger;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.rmi.server.RMIServerSocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * Opens the one port for RMI: bound to one address, nothing but TLS, for a limited number of
 * clients. Files of TLS that are replaced serve new connections; bad ones are reported, and those
 * before them stay.
 */
final class Sockets implements RMIServerSocketFactory {

  private static final Logger log = System.getLogger(Sockets.class.getName());
  private static final int MAX_CLIENTS = 64;
  private static final int BACKLOG = 16;

  private final InetAddress address;
  private final TlsFiles files;
  private final Arrivals arrivals = new Arrivals(MAX_CLIENTS);
  private final Refusals refusals = new Refusals(System::nanoTime);
  private String stamp; // only the thread that accepts
  private SSLContext context; // only the thread that accepts

  /**
   * @throws GantryException naming the file that cannot be used
   */
  Sockets(InetAddress address, TlsFiles files) {
    this.address = address;
    this.files = files;
    this.stamp = files.stamp();
    this.context = files.load();
  }

  @Override
  public ServerSocket createServerSocket(int port) throws IOException {
    return new ServerSocket(port, BACKLOG, address) {
      @Override
      public Socket accept() throws IOException {
        while (true) {
          var arrival = new Arrival(arrivals::remove);
          implAccept(arrival);
          var leaves = arrivals.add(arrival);
          if (leaves.isPresent()) {
            refuse(leaves.get());
          }
          if (arrival.isClosed()) {
            continue;
          }
          try {
            return encrypt(arrival, getLocalPort());
          } catch (IOException | RuntimeException e) {
            arrival.close(); // gives its place back
            throw e;
          }
        }
      }
    };
  }

  private void refuse(Arrival arrival) throws IOException {
    arrival.close();
    refusals
        .another()
        .ifPresent(
            count ->
                log.log(
                    WARNING,
                    "JMX: too many clients are there; {0} that have not logged in are refused, the last at {1}",
                    count,
                    arrival.from()));
  }

  private SSLSocket encrypt(Arrival arrival, int port) throws IOException {
    refresh();
    var socket =
        (SSLSocket) context.getSocketFactory().createSocket(arrival, arrival.from(), port, true);
    socket.setUseClientMode(false);
    socket.setEnabledProtocols(TlsFiles.PROTOCOLS.toArray(String[]::new));
    socket.setNeedClientAuth(files.ca() != null);
    arrival.encryptedBy(socket);
    return socket;
  }

  private void refresh() {
    String found = files.stamp();
    if (!found.equals(stamp)) {
      stamp = found;
      try {
        context = files.load();
      } catch (GantryException e) {
        log.log(ERROR, "{0}; the files before it stay in use", e.getMessage());
      }
    }
  }
}
