package io.gantry.log.syslog;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;

/**
 * A stream over TLS. What takes too long is ended by closing the connection under it: the JDK's
 * close of the TLS socket itself waits for a write that hangs, and says goodbye to a server that
 * may not read.
 */
final class TlsWire implements Wire {
  private static final int RECORD = 16 * 1024;

  private final Socket plain;
  private final SSLSocket socket;
  private final ScheduledExecutorService watchdog;
  private final Duration patience;

  private TlsWire(
      Socket plain, SSLSocket socket, ScheduledExecutorService watchdog, Duration patience) {
    this.plain = plain;
    this.socket = socket;
    this.watchdog = watchdog;
    this.patience = patience;
  }

  static TlsWire connect(
      TlsFiles files,
      String host,
      InetSocketAddress address,
      ScheduledExecutorService watchdog,
      Duration patience)
      throws IOException {
    var plain = new Socket();
    try {
      plain.setSendBufferSize(SEND_BUFFER);
      plain.connect(address, (int) patience.toMillis());
      var socket = files.wrap(plain, host);
      var wire = new TlsWire(plain, socket, watchdog, patience);
      wire.inTime(
          () -> {
            socket.startHandshake();
            return true;
          });
      return wire;
    } catch (IOException | RuntimeException e) {
      plain.close();
      throw e;
    }
  }

  @Override
  public int atOnce() {
    return RECORD;
  }

  @Override
  public void send(List<byte[]> messages) throws IOException {
    inTime(
        () -> {
          var out = new BufferedOutputStream(socket.getOutputStream(), RECORD);
          for (byte[] message : messages) {
            out.write(message);
          }
          out.flush();
          return true;
        });
  }

  private void inTime(Callable<Boolean> step) throws IOException {
    var end = watchdog.schedule(this::cut, patience.toMillis(), TimeUnit.MILLISECONDS);
    try {
      step.call();
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(e);
    } finally {
      end.cancel(false);
    }
  }

  @Override
  public boolean isBroken() {
    if (socket.isClosed()) {
      return true;
    }
    try {
      socket.setSoTimeout(1);
      return socket.getInputStream().read() < 0;
    } catch (SocketTimeoutException e) {
      return false; // it has nothing to say, as it should be
    } catch (IOException e) {
      return true;
    }
  }

  @Override
  public void close() {
    try {
      inTime(
          () -> {
            socket.close();
            return true;
          });
    } catch (IOException | RejectedExecutionException e) { // what was written is the kernel's
      cut();
    }
  }

  private void cut() {
    try {
      plain.close();
    } catch (IOException e) {
      // nobody uses it any more
    }
  }
}
