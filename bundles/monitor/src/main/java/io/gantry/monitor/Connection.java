package io.gantry.monitor;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A non-blocking connection to a monitor or the zygote. What arrives is read by the handler on the
 * loop's thread; anybody may send. Closed once, by either side; the handler hears of it unless it
 * closed the connection itself.
 */
final class Connection {

  /** Who reads; called on the loop's thread. */
  interface Handler {
    /** There is something to read, or the end. */
    void readable(SocketChannel channel) throws IOException;

    /** The connection broke: nothing more will be read or written. */
    void broken(IOException reason);
  }

  private record Piece(ByteBuffer bytes, CompletableFuture<Void> sent) {}

  private static final long FIRST_PAUSE_NANOS = 500_000;
  private static final long LONGEST_PAUSE_NANOS = 20_000_000;

  private final String name;
  private final MonitorLoop loop;
  private final SocketChannel channel;
  private final SelectionKey key;
  private final Handler handler;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Piece> unsent = new ArrayDeque<>(); // guarded by lock
  private boolean closed; // guarded by lock

  private Connection(Path socket, MonitorLoop loop, SocketChannel channel, Handler handler)
      throws IOException {
    this.name = socket.toString();
    this.loop = loop;
    this.channel = channel;
    this.handler = handler;
    this.key = loop.register(channel, this);
  }

  /**
   * Connects; nothing is read until {@link #read} says so.
   *
   * @throws GantryException NOT_FOUND when nobody listens there, UNAVAILABLE when whoever does is
   *     too busy
   */
  static Connection open(Path socket, MonitorLoop loop, Handler handler) {
    return open(socket, loop, handler, loop.patience());
  }

  static Connection open(Path socket, MonitorLoop loop, Handler handler, Duration patience) {
    SocketChannel channel = null;
    try {
      channel = connect(socket, patience);
      return new Connection(socket, loop, channel, handler);
    } catch (IOException e) {
      closeQuietly(channel);
      Kind kind = Files.exists(socket) ? Kind.UNAVAILABLE : Kind.NOT_FOUND;
      throw new GantryException(
          e instanceof ConnectException ? Kind.NOT_FOUND : kind,
          "no connection to " + socket + ": " + e.getMessage(),
          e);
    }
  }

  /**
   * Tries again while the listener's queue is full: where a Unix socket's connect would wait, a
   * non-blocking one fails, and Java tells the EAGAIN apart from a listener that is gone only by
   * the class of the exception.
   */
  private static SocketChannel connect(Path socket, Duration patience) throws IOException {
    long deadline = System.nanoTime() + patience.toNanos();
    var address = UnixDomainSocketAddress.of(socket);
    long pause = FIRST_PAUSE_NANOS;
    while (true) {
      SocketChannel channel = connectOnce(socket, address);
      if (channel != null) {
        return channel;
      }
      if (System.nanoTime() > deadline || Thread.currentThread().isInterrupted()) {
        throw new IOException("it does not accept connections");
      }
      LockSupport.parkNanos(pause / 2 + ThreadLocalRandom.current().nextLong(pause));
      pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
    }
  }

  /** Null while the queue is full. */
  private static @Nullable SocketChannel connectOnce(Path socket, UnixDomainSocketAddress address)
      throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    boolean connected = false;
    try {
      channel.configureBlocking(false);
      connected = channel.connect(address);
    } catch (SocketException e) {
      if (!e.getClass().equals(SocketException.class) || !Files.exists(socket)) {
        throw e; // refused, not permitted, not there
      }
    } finally {
      if (!connected) {
        closeQuietly(channel);
      }
    }
    return connected ? channel : null;
  }

  /** Reads (or no longer) whenever something has arrived. */
  void read(boolean wanted) {
    interest(SelectionKey.OP_READ, wanted);
  }

  /**
   * Has the handler read without waiting for the loop; only while nothing is read otherwise. False
   * when the connection is closed.
   */
  boolean readNow() {
    if (!channel.isOpen()) {
      return false;
    }
    try {
      handler.readable(channel);
    } catch (IOException e) {
      fail(e);
    }
    return true;
  }

  /** Sends in order; completes when the kernel has the bytes. */
  CompletableFuture<Void> send(ByteBuffer... pieces) {
    CompletableFuture<Void> sent = new CompletableFuture<>();
    lock.lock();
    try {
      if (closed) {
        return CompletableFuture.failedFuture(gone(null));
      }
      for (int i = 0; i < pieces.length; i++) {
        boolean last = i == pieces.length - 1;
        unsent.add(new Piece(pieces[i], last ? sent : new CompletableFuture<>()));
      }
      if (unsent.size() > pieces.length) {
        return sent; // others wait for the socket already
      }
    } finally {
      lock.unlock();
    }
    flush();
    return sent;
  }

  /** The other side reads an end; false when there is nobody. */
  boolean endOutput() {
    try {
      channel.shutdownOutput();
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Lets go; the handler is not told. */
  void close() {
    shut(null);
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  /** Called by the loop when the socket can do what was asked for. */
  void ready() {
    int ready;
    try {
      ready = key.readyOps();
    } catch (CancelledKeyException e) {
      return; // closed since the loop looked
    }
    if ((ready & SelectionKey.OP_WRITE) != 0) {
      flush();
    }
    if ((ready & SelectionKey.OP_READ) != 0 && channel.isOpen()) {
      try {
        handler.readable(channel);
      } catch (IOException e) {
        fail(e);
      }
    }
  }

  /** The connection is of no more use: closes it and tells the handler, once. */
  void fail(IOException reason) {
    if (shut(reason)) {
      handler.broken(reason);
    }
  }

  private void flush() {
    Deque<CompletableFuture<Void>> done = new ArrayDeque<>();
    IOException broken = null;
    lock.lock();
    try {
      while (!closed && !unsent.isEmpty()) {
        Piece first = unsent.peek();
        channel.write(first.bytes);
        if (first.bytes.hasRemaining()) {
          break;
        }
        unsent.remove();
        done.add(first.sent);
      }
      interest(SelectionKey.OP_WRITE, !unsent.isEmpty());
    } catch (IOException e) {
      broken = e;
    } finally {
      lock.unlock();
    }
    done.forEach(sent -> sent.complete(null));
    if (broken != null) {
      writeFailed(broken);
    }
  }

  /**
   * Nothing more can be sent, but what the other side said before it closed is still to be read:
   * the reason why is often there.
   */
  private void writeFailed(IOException reason) {
    Deque<Piece> lost;
    lock.lock();
    try {
      lost = new ArrayDeque<>(unsent);
      unsent.clear();
      interest(SelectionKey.OP_WRITE, false);
    } finally {
      lock.unlock();
    }
    lost.forEach(piece -> piece.sent.completeExceptionally(gone(reason)));
  }

  private boolean shut(@Nullable IOException reason) {
    Deque<Piece> lost;
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      closed = true;
      lost = new ArrayDeque<>(unsent);
      unsent.clear();
    } finally {
      lock.unlock();
    }
    closeQuietly(channel);
    loop.wake(); // the selector gives the descriptor back only in its next round
    lost.forEach(piece -> piece.sent.completeExceptionally(gone(reason)));
    return true;
  }

  private void interest(int operation, boolean wanted) {
    try {
      if (wanted == ((key.interestOps() & operation) != 0)) {
        return; // waking the selector costs a system call or two
      }
      if (wanted) {
        key.interestOpsOr(operation);
      } else {
        key.interestOpsAnd(~operation);
      }
      loop.wake();
    } catch (CancelledKeyException e) {
      // closed: nothing will ever be ready again
    }
  }

  private GantryException gone(@Nullable IOException reason) {
    return new GantryException(
        Kind.UNAVAILABLE, "the connection to " + name + " is closed", reason);
  }

  private static void closeQuietly(@Nullable SocketChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        // nothing was to be got from it any more
      }
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
