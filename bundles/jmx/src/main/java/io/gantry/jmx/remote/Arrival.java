package io.gantry.jmx.remote;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.security.cert.X509Certificate;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection, below TLS. RMI's registry lets processes of this host bind, rebind and
 * unbind names, and decides by the address that a socket tells: so this one tells none, which the
 * registry refuses ("origin unknown"). Who it is in truth is known to the thread that reads from
 * it, which is the one that RMI authenticates on.
 */
final class Arrival extends Socket {

  private static final ThreadLocal<@Nullable Arrival> current = new ThreadLocal<>();
  private static final byte[] NOWHERE = new byte[4];

  /**
   * RMI's own limit is two hours, and its clients close a connection they do not use after 15 s.
   */
  private static final int SILENCE_MILLIS = 60_000;

  private final Runnable closed;
  private final AtomicBoolean open = new AtomicBoolean(true);
  private @Nullable SSLSocket encrypted;

  Arrival(Runnable closed) {
    this.closed = closed;
  }

  /** The connection that this thread serves. */
  static @Nullable Arrival current() {
    return current.get();
  }

  void encryptedBy(SSLSocket socket) {
    encrypted = socket;
  }

  /** Where it comes from. */
  String from() {
    InetAddress address = super.getInetAddress();
    return address == null ? "nowhere" : address.getHostAddress();
  }

  /** What the client has shown and TLS has verified, or null. */
  @Nullable X509Certificate certificate() {
    SSLSocket socket = encrypted;
    if (socket == null) {
      return null;
    }
    try {
      return socket.getSession().getPeerCertificates()[0] instanceof X509Certificate shown
          ? shown
          : null;
    } catch (SSLPeerUnverifiedException e) {
      return null;
    }
  }

  @Override
  public InetAddress getInetAddress() {
    try {
      return InetAddress.getByAddress(NOWHERE);
    } catch (IOException e) {
      throw new IllegalStateException("four bytes are an address", e);
    }
  }

  @Override
  public void setSoTimeout(int timeout) throws SocketException {
    boolean endless = timeout == 0 || timeout > SILENCE_MILLIS;
    super.setSoTimeout(endless ? SILENCE_MILLIS : timeout);
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return new FilterInputStream(super.getInputStream()) {
      @Override
      public int read() throws IOException {
        current.set(Arrival.this);
        return super.read();
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        current.set(Arrival.this);
        return super.read(bytes, offset, length);
      }
    };
  }

  @Override
  public void close() throws IOException {
    if (open.compareAndSet(true, false)) {
      closed.run();
    }
    super.close();
  }
}
