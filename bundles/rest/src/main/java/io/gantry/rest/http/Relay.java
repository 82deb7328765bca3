package io.gantry.rest.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.api.ByteStream;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.IteratingCallback;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * A connection that belongs to a stream from the end of the request's head on. No thread waits:
 * each direction is a chain of callbacks, and one step of it starts only when the one before has
 * ended, so both sides feel the other's back-pressure.
 *
 * <p>Output: head, then what the stream gives, then our side is shut down. Input: to the stream
 * until its end, or discarded. The connection closes when both have ended, when the client is gone,
 * or some seconds after the output has ended, whichever comes first: closing at once while input is
 * unread would make the client lose output.
 */
final class Relay extends AbstractConnection implements Connection.UpgradeTo {

  /** What the end of the client's side means. */
  enum Input {
    /** Standard input ends, output goes on. */
    TO_STREAM,
    /** The same, of one that has its answer: it is cut off if it goes on and on regardless. */
    LEFT_OVER,
    /** The client is gone. */
    DISCARDED,
    /** As before; and one that takes nothing for as long as the connector says is cut off. */
    OF_A_DOWNLOAD
  }

  private static final Logger log = System.getLogger(Relay.class.getName());
  private static final long LINGER_SECONDS = 10;
  private static final int BUFFER = 16 * 1024;
  private static final int SMALL = 4 * 1024;
  private static final long MOST_LEFT_OVER = 16L << 20;
  private static final int SOCKET_BYTES = 512 * 1024;
  private static final byte[] LINE_END = "\r\n".getBytes(ISO_8859_1);
  private static final byte[] LAST_CHUNK = "0\r\n\r\n".getBytes(ISO_8859_1);

  private final ByteStream stream;
  private final Input mode;
  private final boolean chunked;
  private final Runnable hold;
  private final Scheduler scheduler;
  private final HangUps hangUps;
  private final Output output;
  private final InputPump input;
  private final Callback whenFillable = new WhenFillable();
  private final AtomicInteger ended = new AtomicInteger();
  private final AtomicBoolean released = new AtomicBoolean();
  private final long timeLimit;
  private volatile Scheduler.@Nullable Task lingering;

  /**
   * @param hold run when the connection is over
   */
  Relay(
      EndPoint endPoint,
      org.eclipse.jetty.server.Connector connector,
      HangUps hangUps,
      String head,
      ByteStream stream,
      Input mode,
      boolean chunked,
      Runnable hold) {
    super(endPoint, connector.getExecutor());
    this.stream = stream;
    this.mode = mode;
    this.chunked = chunked;
    this.hold = hold;
    this.scheduler = connector.getScheduler();
    this.hangUps = hangUps;
    this.timeLimit = TimeUnit.MILLISECONDS.toNanos(endPoint.getIdleTimeout());
    this.output = new Output(ByteBuffer.wrap(head.getBytes(ISO_8859_1)));
    this.input = new InputPump(!endsAlone(mode));
  }

  /** Whether output goes on when input has ended. */
  private static boolean endsAlone(Input mode) {
    return mode == Input.TO_STREAM || mode == Input.LEFT_OVER;
  }

  /** What the client sent right behind the head is input already. */
  @Override
  public void onUpgradeTo(@Nullable ByteBuffer sent) {
    if (sent != null && sent.hasRemaining()) {
      input.sentAlready = sent;
    }
  }

  @Override
  public void onOpen() {
    super.onOpen();
    if (mode != Input.OF_A_DOWNLOAD) {
      getEndPoint().setIdleTimeout(0); // a container may be silent for as long as it likes
    }
    widen();
    output.iterate();
    input.iterate();
  }

  /**
   * On a Unix socket the system's default lets writer and reader take turns, each waiting for the
   * other; TCP finds its own measure.
   */
  private void widen() {
    if (getEndPoint().getTransport() instanceof SocketChannel channel) {
      try {
        if (channel.getRemoteAddress() instanceof UnixDomainSocketAddress) {
          channel.setOption(StandardSocketOptions.SO_SNDBUF, SOCKET_BYTES);
        }
      } catch (IOException e) {
        log.log(Level.DEBUG, "send buffer of a stream: {0}", e.toString());
      }
    }
  }

  @Override
  public void onFillable() {
    input.iterate();
  }

  /** Once the stream is closed, nothing that is done with input takes any time. */
  private final class WhenFillable implements Callback {
    @Override
    public void succeeded() {
      onFillable();
    }

    @Override
    public void failed(Throwable cause) {
      onFillInterestedFailed(cause);
    }

    @Override
    public InvocationType getInvocationType() {
      return released.get() ? InvocationType.NON_BLOCKING : InvocationType.BLOCKING;
    }
  }

  @Override
  public void onFillInterestedFailed(Throwable cause) {
    abandon(cause);
  }

  @Override
  public boolean onIdleExpired(TimeoutException timeout) {
    if (output.isStuck(timeLimit)) {
      abandon(timeout);
    }
    return false; // what is sent may take its time to be made
  }

  @Override
  public void onClose(@Nullable Throwable cause) {
    super.onClose(cause);
    hold.run();
    stopLingering();
    if (!released.get()) { // by Jetty: the thread may be the one that selects
      releaseElsewhere();
    }
  }

  /** It would keep the stream and its buffers in memory. */
  private void stopLingering() {
    var task = lingering;
    if (task != null) {
      task.cancel();
    }
  }

  private void abandon(Throwable cause) {
    log.log(Level.DEBUG, "stream abandoned: {0}", cause.toString());
    close();
  }

  private void oneSideEnded() {
    if (ended.incrementAndGet() == 2) {
      close();
    }
  }

  @Override
  public void close() {
    release();
    super.close();
  }

  private void release() {
    if (released.compareAndSet(false, true)) {
      stream.close();
    }
  }

  private void releaseElsewhere() {
    try {
      getExecutor().execute(this::release);
    } catch (RejectedExecutionException e) { // the server stops
      release();
    }
  }

  private final class Output extends IteratingCallback {

    private @Nullable ByteBuffer head;
    private boolean last;
    private volatile long sending; // since when, by nanoTime; 0: nothing is

    Output(ByteBuffer head) {
      this.head = head;
    }

    @Override
    protected Action process() {
      if (last) {
        return Action.SUCCEEDED;
      }
      ByteBuffer first = head;
      if (first != null) {
        head = null;
        begin();
        getEndPoint().write(this, first);
      } else {
        sending = 0;
        stream.read().whenComplete(this::write);
      }
      return Action.SCHEDULED;
    }

    private void write(@Nullable ByteBuffer bytes, @Nullable Throwable failure) {
      if (bytes == null || failure != null) {
        failed(failure == null ? new IllegalStateException("no bytes") : failure);
      } else if (bytes.hasRemaining()) {
        send(bytes);
      } else {
        last = true;
        if (chunked) {
          getEndPoint().write(this, ByteBuffer.wrap(LAST_CHUNK));
        } else {
          succeeded();
        }
      }
    }

    private void begin() {
      sending = System.nanoTime() | 1;
    }

    boolean isStuck(long nanos) {
      long since = sending;
      return since != 0 && System.nanoTime() - since >= nanos;
    }

    private void send(ByteBuffer bytes) {
      begin();
      if (chunked) {
        byte[] size = (Integer.toHexString(bytes.remaining()) + "\r\n").getBytes(ISO_8859_1);
        if (bytes.remaining() <= SMALL) { // three pieces cost more than a copy
          var chunk = ByteBuffer.allocate(size.length + bytes.remaining() + LINE_END.length);
          getEndPoint().write(this, chunk.put(size).put(bytes).put(LINE_END).flip());
        } else {
          getEndPoint().write(this, ByteBuffer.wrap(size), bytes, ByteBuffer.wrap(LINE_END));
        }
      } else {
        getEndPoint().write(this, bytes);
      }
    }

    @Override
    protected void onCompleteSuccess() {
      release();
      getEndPoint().shutdownOutput();
      lingering = scheduler.schedule(Relay.this::close, LINGER_SECONDS, TimeUnit.SECONDS);
      if (!getEndPoint().isOpen()) { // the client was faster
        stopLingering();
      }
      oneSideEnded();
    }

    @Override
    protected void onCompleteFailure(Throwable cause) {
      abandon(cause);
    }
  }

  private final class InputPump extends IteratingCallback {

    private final ByteBuffer buffer = BufferUtil.allocate(BUFFER);
    private @Nullable ByteBuffer sentAlready;
    private volatile boolean discards;
    private long left = mode == Input.LEFT_OVER ? MOST_LEFT_OVER : Long.MAX_VALUE;

    InputPump(boolean discards) {
      this.discards = discards;
    }

    @Override
    protected Action process() throws Throwable {
      ByteBuffer bytes = sentAlready;
      sentAlready = null;
      if (bytes == null) {
        BufferUtil.clear(buffer);
        int read = getEndPoint().fill(buffer);
        if (read < 0) {
          return Action.SUCCEEDED;
        }
        if (read == 0) {
          fillInterested(whenFillable);
          return Action.IDLE;
        }
        bytes = buffer;
      }
      left -= bytes.remaining();
      if (left < 0) {
        abandon(new IOException("the client sends on and on"));
        return Action.SUCCEEDED;
      }
      if (discards) {
        succeeded();
      } else {
        stream.write(bytes).whenComplete(this::written);
      }
      return Action.SCHEDULED;
    }

    private void written(@Nullable Void done, @Nullable Throwable failure) {
      discards |= failure != null; // nobody reads standard input any more: output goes on
      succeeded();
    }

    @Override
    protected void onCompleteSuccess() {
      if (!endsAlone(mode)) {
        Relay.this.close(); // not the callback's close()
        return;
      }
      if (!released.get()) {
        stream.closeInput();
        watchForHangUp();
      }
      oneSideEnded();
    }

    /**
     * Behind TLS the end of input is a message, and what the connection still brings is its end.
     */
    private void watchForHangUp() {
      EndPoint raw = ChannelConnector.raw(getEndPoint());
      if (raw.getTransport() instanceof SocketChannel channel) {
        hangUps.watch(channel, raw != getEndPoint(), Relay.this::close);
      }
    }

    @Override
    protected void onCompleteFailure(Throwable cause) {
      abandon(cause);
    }
  }
}
