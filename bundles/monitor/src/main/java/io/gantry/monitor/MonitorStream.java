package io.gantry.monitor;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Two directions of a container's bytes that hold no thread while they wait.
 *
 * <p>Out comes what Docker's clients read: raw bytes for a terminal, else frames of 8 bytes head
 * (stream 1 or 2, three zeros, big-endian length) and data. One read and one write may be
 * outstanding. What is not read stays in the kernel and makes the container wait. Stages complete
 * on the loop's thread, or at once.
 */
public final class MonitorStream implements AutoCloseable, Connection.Handler {

  /** Of standard input in one message; what helpers of any version take. */
  private static final int LONGEST_PIECE = 1 << 20;

  private static final int READ_BYTES = 64 * 1024;

  /** Of a stream that is expected to say little. */
  private static final int LITTLE_BYTES = 4 * 1024;

  /** Where so much came from there is mostly more. */
  private static final int MUCH = 16 * 1024;

  /** Of a stream that has much to say: outside the heap, which saves a copy each way. */
  private static final int BUSY_BYTES = 256 * 1024;

  /**
   * So many streams have such a buffer at once, 64 MiB in all; the others keep the small one. What
   * the JVM allows outside the heap is not much more, and at its end it waits for a collection.
   */
  private static final Semaphore BUSY = new Semaphore(256);

  /** Reads in a row without a turn of the loop, which other containers wait for too. */
  private static final int IN_A_ROW = 16;

  private final boolean terminal;
  private final int readBytes;
  private final Connection connection;
  private final MessageReader greeting = new MessageReader();
  private final CompletableFuture<Long> opened = new CompletableFuture<>();
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable CompletableFuture<ByteBuffer> reading; // guarded by lock
  private boolean closed; // guarded by lock

  /**
   * The loop listens since the stream was opened, and does until the first output: whoever opened
   * it mostly reads at once, and need not wake the loop for that.
   */
  private boolean listening = true; // guarded by lock

  private boolean busy; // guarded by lock
  private @Nullable ByteBuffer buffer; // of whoever reads: one at a time
  private int inARow; // as the buffer
  private volatile long pid;

  private MonitorStream(Path socket, MonitorLoop loop, boolean terminal, int readBytes) {
    this.terminal = terminal;
    this.readBytes = readBytes;
    this.connection = Connection.open(socket, loop, this);
  }

  static MonitorStream open(
      Path socket, MonitorLoop loop, Message.Builder first, boolean terminal, String what) {
    ByteBuffer message = first.build();
    var stream = new MonitorStream(socket, loop, terminal, READ_BYTES);
    try {
      var unused = stream.connection.send(message); // what fails here shows as the end when read
      stream.connection.read(true);
      stream.pid = loop.await(stream.opened, what);
      return stream;
    } catch (RuntimeException e) {
      stream.close();
      throw e;
    }
  }

  /**
   * As {@link #open}, for who does not wait: completes on the loop's thread. Whoever gives up
   * waiting closes the stream by cancelling the future.
   */
  static CompletableFuture<MonitorStream> openLater(
      Path socket, MonitorLoop loop, Message.Builder first) {
    ByteBuffer message = first.build();
    var stream = new MonitorStream(socket, loop, false, LITTLE_BYTES);
    var later = new CompletableFuture<MonitorStream>();
    stream.opened.whenComplete(
        (pid, failure) -> {
          if (failure == null) {
            stream.pid = pid;
            later.complete(stream);
          } else {
            stream.close();
            later.completeExceptionally(failure);
          }
        });
    later.whenComplete(
        (opened, failure) -> {
          if (later.isCancelled()) {
            stream.close();
          }
        });
    var unused = stream.connection.send(message); // what fails here shows as the end when read
    stream.connection.read(true);
    return later;
  }

  /** Whether the bytes are a terminal's (raw) rather than frames. */
  public boolean terminal() {
    return terminal;
  }

  /** Host pid of the process that this stream was opened with by an exec; 0 for an attach. */
  public long pid() {
    return pid;
  }

  /**
   * The next bytes; an empty buffer is the end. The buffer is the reader's until it reads again.
   */
  public CompletionStage<ByteBuffer> read() {
    CompletableFuture<ByteBuffer> next = new CompletableFuture<>();
    lock.lock();
    try {
      if (closed) {
        return CompletableFuture.completedFuture(ByteBuffer.allocate(0));
      }
      if (reading != null) {
        throw new IllegalStateException("a read is outstanding");
      }
      reading = next;
      if (listening) {
        return next;
      }
    } finally {
      lock.unlock();
    }
    if (!readsAtOnce()) {
      connection.read(true);
    }
    return next;
  }

  /** There is mostly more where much came from: then nothing need be waited for. */
  private boolean readsAtOnce() {
    ByteBuffer in = buffer;
    if (in == null || in.limit() < MUCH || ++inARow > IN_A_ROW) {
      inARow = 0;
      return false;
    }
    return connection.readNow();
  }

  /** Sends to standard input; completes when the buffer may be used again. */
  public CompletionStage<Void> write(ByteBuffer input) {
    if (!input.hasRemaining()) {
      return CompletableFuture.completedFuture(null);
    }
    int length = Math.min(input.remaining(), LONGEST_PIECE);
    ByteBuffer part = input.slice(input.position(), length);
    input.position(input.position() + length);
    CompletableFuture<Void> sent = connection.send(Message.head(MessageType.STDIN, length), part);
    return input.hasRemaining() ? sent.thenCompose(done -> write(input)) : sent;
  }

  /** Standard input ends here; output goes on. */
  public CompletionStage<Void> closeInput() {
    return connection.send(Message.head(MessageType.CLOSE_STDIN, 0));
  }

  /** Lets go; what runs goes on. An outstanding read ends as at the end. May be repeated. */
  @Override
  public void close() {
    connection.close();
    end();
  }

  @Override
  public void readable(SocketChannel channel) throws IOException {
    if (!opened.isDone()) {
      readAnswer(channel);
    } else if (isAskedFor()) {
      readOutput(channel);
    }
  }

  @Override
  public void broken(IOException reason) {
    opened.completeExceptionally(
        new GantryException(
            Kind.UNAVAILABLE, "the monitor closed the stream: " + reason.getMessage(), reason));
    end();
  }

  private void readAnswer(SocketChannel channel) throws IOException {
    Message answer = greeting.next(channel);
    if (answer == null) {
      if (greeting.ended()) {
        throw new EOFException("no answer");
      }
      return;
    }
    switch (answer.type()) {
      case MessageType.OK, MessageType.EXEC_STARTED -> {
        opened.complete(answer.number(Tag.INIT_PID));
      }
      case MessageType.ERROR -> {
        opened.completeExceptionally(Control.error(answer).asGantryException());
        connection.close();
      }
      default -> throw new IOException("unexpected message " + answer.type());
    }
  }

  /** Whether somebody reads. */
  private boolean isAskedFor() {
    lock.lock();
    try {
      listening = false; // who reads from now on has to say so
      if (reading == null) {
        connection.read(false);
      }
      return reading != null;
    } finally {
      lock.unlock();
    }
  }

  private void readOutput(SocketChannel channel) throws IOException {
    ByteBuffer in = roomFor(buffer);
    buffer = in;
    int count = channel.read(in.clear());
    if (count == 0) {
      in.limit(0);
      connection.read(true);
      return;
    }
    connection.read(false); // until somebody asks for more
    if (count < 0) {
      connection.close();
      end();
      return;
    }
    CompletableFuture<ByteBuffer> reader;
    lock.lock();
    try {
      reader = reading;
      reading = null;
    } finally {
      lock.unlock();
    }
    if (reader != null) {
      reader.complete(in.flip());
    }
  }

  private ByteBuffer roomFor(@Nullable ByteBuffer before) {
    if (before == null) {
      return ByteBuffer.allocate(readBytes);
    }
    boolean small = !before.isDirect() && before.limit() >= MUCH;
    return small && becomesBusy() ? ByteBuffer.allocateDirect(BUSY_BYTES) : before;
  }

  /** Its place among the busy is given back at the end. */
  private boolean becomesBusy() {
    lock.lock();
    try {
      busy = !closed && BUSY.tryAcquire();
      return busy;
    } finally {
      lock.unlock();
    }
  }

  private void end() {
    CompletableFuture<ByteBuffer> reader;
    lock.lock();
    try {
      closed = true;
      reader = reading;
      reading = null;
      if (busy) {
        busy = false;
        BUSY.release();
      }
    } finally {
      lock.unlock();
    }
    if (reader != null) {
      reader.complete(ByteBuffer.allocate(0));
    }
  }
}
