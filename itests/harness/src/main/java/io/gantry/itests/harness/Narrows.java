package io.gantry.itests.harness;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/**
 * The way to a server on loopback that lets so many bytes through, and then none until it is
 * opened. It counts both directions.
 */
public final class Narrows implements AutoCloseable {

  private final int port;
  private final ServerSocket listener;
  private final List<Closeable> open = new ArrayList<>(); // guarded by this
  private long left; // guarded by this
  private long down; // guarded by this
  private long up; // guarded by this
  private boolean held; // guarded by this

  /**
   * @param port of the server
   * @param bytes that pass before it is opened
   */
  public Narrows(int port, long bytes) throws IOException {
    this.port = port;
    this.left = bytes;
    listener = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  /** {@code HOST:PORT}. */
  public String host() {
    return "127.0.0.1:" + listener.getLocalPort();
  }

  /** Whether somebody waits. */
  public synchronized boolean isHeld() {
    return held;
  }

  /** Lets all through from now on, and counts from 0. Who waited is cut off. */
  public synchronized void open() {
    left = Long.MAX_VALUE;
    down = 0;
    up = 0;
    cutOff();
    notifyAll();
  }

  /** Bytes from the server. */
  public synchronized long down() {
    return down;
  }

  /** Bytes to the server. */
  public synchronized long up() {
    return up;
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "narrows");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        Socket server = new Socket(InetAddress.getLoopbackAddress(), port);
        synchronized (this) {
          open.add(client);
          open.add(server);
        }
        start(() -> relay(client, server, false));
        start(() -> relay(server, client, true));
      } catch (IOException e) {
        // A client that has gone, or the end.
      }
    }
  }

  private void relay(Socket from, Socket to, boolean isDown) {
    byte[] buffer = new byte[1 << 14];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n; (n = in.read(buffer)) > 0; ) {
        if (!pass(from, n, isDown)) {
          return;
        }
        out.write(buffer, 0, n);
      }
    } catch (IOException e) {
      // One of the ends has gone: so does the other.
    }
  }

  private synchronized boolean pass(Socket from, int bytes, boolean isDown) {
    try {
      while (left < bytes && !from.isClosed()) {
        held = true;
        wait(1000);
      }
    } catch (InterruptedException e) {
      return false;
    }
    if (from.isClosed()) {
      return false;
    }
    left -= bytes;
    down += isDown ? bytes : 0;
    up += isDown ? 0 : bytes;
    return true;
  }

  private synchronized void cutOff() {
    for (Closeable socket : open) {
      try {
        socket.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    open.clear();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    open();
  }
}
