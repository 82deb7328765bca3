package io.gantry.itests.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A port on loopback before a server without TLS: it hangs up on who begins with TLS, as most
 * servers do and Java's own does not. All else passes both ways as it comes.
 */
public final class PlainFront implements AutoCloseable {

  private static final int TLS_HANDSHAKE = 0x16;

  private final ServerSocket front;
  private final InetSocketAddress server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "plain-front");
            thread.setDaemon(true);
            return thread;
          });

  public PlainFront(InetSocketAddress server) throws IOException {
    this(server, 0);
  }

  /**
   * @param port to listen at; 0 for any
   */
  public PlainFront(InetSocketAddress server, int port) throws IOException {
    this.server = server;
    this.front = new ServerSocket(port, 100, InetAddress.getLoopbackAddress());
    threads.execute(this::accept);
  }

  public int port() {
    return front.getLocalPort();
  }

  /** {@code HOST:PORT}. */
  public String host() {
    return "127.0.0.1:" + port();
  }

  private void accept() {
    while (!front.isClosed()) {
      try {
        Socket client = front.accept();
        open.add(client);
        threads.execute(() -> serve(client));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket client) {
    try (client;
        Socket behind = new Socket()) {
      client.setTcpNoDelay(true);
      int first = client.getInputStream().read();
      if (first < 0 || first == TLS_HANDSHAKE) {
        return;
      }
      behind.connect(server);
      behind.setTcpNoDelay(true);
      open.add(behind);
      behind.getOutputStream().write(first);
      var back = threads.submit(() -> pass(behind, client));
      pass(client, behind);
      back.get();
      open.remove(behind);
    } catch (Exception e) {
      // whoever hung up knows, and the other one hears of it now
    } finally {
      open.remove(client);
    }
  }

  /** Until one of both hangs up; then both are. */
  private static void pass(Socket from, Socket to) {
    byte[] buffer = new byte[1 << 16];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n; (n = in.read(buffer)) >= 0; ) {
        out.write(buffer, 0, n);
      }
    } catch (IOException e) {
      // the same as its end
    } finally {
      close(from);
      close(to);
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      front.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    open.forEach(PlainFront::close);
    threads.shutdownNow();
  }
}
