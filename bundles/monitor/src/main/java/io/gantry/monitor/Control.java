package io.gantry.monitor;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A connection that carries messages both ways: requests are answered by OK or ERROR in the order
 * they were sent, everything else goes to the subclass. An ERROR that names an op answers no
 * request.
 */
abstract class Control implements Connection.Handler {

  final MonitorLoop loop;
  final CompletableFuture<Hello> greeted = new CompletableFuture<>();

  /** Completes when the connection has ended, by whichever side. */
  final CompletableFuture<Void> gone = new CompletableFuture<>();

  private final Connection connection;
  private final MessageIntake reader = new MessageIntake();
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<CompletableFuture<Void>> unanswered = new ArrayDeque<>(); // guarded by lock

  @SuppressWarnings("this-escape") // nothing is read before start()
  Control(Path socket, MonitorLoop loop, Duration patience) {
    this.loop = loop;
    this.connection = Connection.open(socket, loop, this, patience);
  }

  /** Sends the first message and begins to read. */
  final void start(Message.Builder first) {
    var unused = connection.send(first.build()); // what fails here shows as the end when read
    listen();
  }

  final void listen() {
    connection.read(true);
  }

  /** Sends a request that is answered by OK or ERROR. */
  final CompletableFuture<Void> request(Message.Builder message) {
    CompletableFuture<Void> answer = new CompletableFuture<>();
    var unused =
        ask(message, answer)
            .whenComplete(
                (sent, failure) -> {
                  if (failure != null && !connection.isOpen()) {
                    answer.completeExceptionally(failure);
                  }
                });
    return answer;
  }

  /** Sends a request whose answer does not matter; completes when the kernel has it. */
  final CompletableFuture<Void> post(Message.Builder message) {
    return ask(message, new CompletableFuture<>());
  }

  private CompletableFuture<Void> ask(Message.Builder message, CompletableFuture<Void> answer) {
    ByteBuffer bytes = message.build(); // first: what cannot be sent waits for no answer
    lock.lock();
    try { // one order for both: of sending and of waiting
      unanswered.add(answer);
      return connection.send(bytes);
    } finally {
      lock.unlock();
    }
  }

  /** Sends what is answered by an event, or not at all. */
  final CompletableFuture<Void> send(Message.Builder message) {
    return connection.send(message.build());
  }

  final void disconnect() {
    connection.close();
    gone.complete(null);
    abandon(
        () ->
            new GantryException(Kind.CANCELLED, "the connection to " + connection + " was closed"));
  }

  /** Says nothing more; what the other side says is read. False when it has ended. */
  final boolean hangUp() {
    return connection.endOutput();
  }

  final boolean isConnected() {
    return connection.isOpen();
  }

  @Override
  public final void readable(SocketChannel channel) throws IOException {
    Message message;
    while (connection.isOpen() && (message = reader.next(channel)) != null) {
      try {
        take(message);
      } catch (RuntimeException | Error e) { // what was read with it is to be heard all the same
        loop.failed(connection, e);
      }
    }
    if (reader.ended()) {
      connection.fail(new EOFException("closed by the other side"));
    }
  }

  private void take(Message message) throws IOException {
    switch (message.type()) {
      case MessageType.HELLO -> {
        greeted(message);
        greeted.complete(Hello.of(message));
      }
      case MessageType.OK -> answered(null);
      case MessageType.ERROR -> {
        HelperError error = error(message);
        if (error.ofSetUp() || !answered(error)) {
          failed(error);
        }
      }
      default -> event(message);
    }
  }

  @Override
  public final void broken(IOException reason) {
    lost(reason);
    gone.complete(null);
    abandon(
        () ->
            new GantryException(
                Kind.UNAVAILABLE, "the connection to " + connection + " is lost", reason));
  }

  /** What else a greeting says, before anybody is told of it. */
  void greeted(Message hello) throws IOException {
    // nothing else
  }

  /** A message that answers no request. */
  abstract void event(Message message) throws IOException;

  /** The helper gave up: nothing it was asked to do goes on. */
  abstract void failed(HelperError error);

  /** The other side closed, or spoke nonsense. */
  abstract void lost(IOException reason);

  static HelperError error(Message message) throws IOException {
    long stage = message.number(Tag.STAGE);
    HelperError.Stage[] stages = HelperError.Stage.values();
    return new HelperError(
        (int) message.number(Tag.ERRNO),
        message.has(Tag.OP_INDEX) ? (int) message.number(Tag.OP_INDEX) : -1,
        (int) message.number(Tag.OP_CODE),
        stage >= 1 && stage <= stages.length ? stages[(int) stage - 1] : stages[0],
        message.text(Tag.TEXT));
  }

  private boolean answered(@Nullable HelperError error) {
    CompletableFuture<Void> answer;
    lock.lock();
    try {
      answer = unanswered.poll();
    } finally {
      lock.unlock();
    }
    if (answer == null) {
      return false;
    }
    if (error == null) {
      answer.complete(null);
    } else {
      answer.completeExceptionally(error.asGantryException());
    }
    return true;
  }

  /** Mostly nobody waits any more: then the reason is not made. */
  private void abandon(Supplier<GantryException> why) {
    Deque<CompletableFuture<Void>> waiting;
    lock.lock();
    try {
      waiting = new ArrayDeque<>(unanswered);
      unanswered.clear();
    } finally {
      lock.unlock();
    }
    if (greeted.isDone() && waiting.isEmpty()) {
      return;
    }
    GantryException reason = why.get();
    greeted.completeExceptionally(reason);
    waiting.forEach(answer -> answer.completeExceptionally(reason));
  }
}
