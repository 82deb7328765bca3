package io.gantry.jmx.remote;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
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

  /** From its start to a log-in over it, or to a call of who has logged in over another one. */
  private static final Duration LOGIN = Duration.ofSeconds(30);

  private final Consumer<Arrival> closed;
  private final long deadline;
  private int patience = SILENCE_MILLIS;
  private volatile boolean admitted;
  private final AtomicBoolean open = new AtomicBoolean(true);
  private @Nullable SSLSocket encrypted;

  Arrival(Consumer<Arrival> closed) {
    this(closed, LOGIN);
  }

  Arrival(Consumer<Arrival> closed, Duration login) {
    this.closed = closed;
    this.deadline = System.nanoTime() + login.toNanos();
  }

  /** The connection that this thread serves. */
  static @Nullable Arrival current() {
    return current.get();
  }

  /** Who calls on this thread has logged in. */
  static void admit() {
    Arrival arrival = current.get();
    if (arrival != null) {
      arrival.admitted = true;
    }
  }

  boolean isAdmitted() {
    return admitted;
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
    patience = endless ? SILENCE_MILLIS : timeout;
    super.setSoTimeout(patience);
  }

  /** However its bytes trickle: until somebody has logged in, no read waits past the deadline. */
  private void limit() throws IOException {
    current.set(this);
    long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
    if (!admitted && left <= 0) {
      close();
      throw new SocketTimeoutException("nobody has logged in");
    }
    super.setSoTimeout(admitted ? patience : (int) Math.min(patience, left));
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return new FilterInputStream(super.getInputStream()) {
      @Override
      public int read() throws IOException {
        limit();
        return super.read();
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        limit();
        return super.read(bytes, offset, length);
      }
    };
  }

  @Override
  public void close() throws IOException {
    if (open.compareAndSet(true, false)) {
      closed.accept(this);
    }
    super.close();
  }
}
