package io.gantry.rest;

import io.gantry.api.ByteStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** A stream whose output the test gives, and whose input it sees. */
final class LoopStream implements ByteStream {

  final CountDownLatch closed = new CountDownLatch(1);
  final CountDownLatch inputClosed = new CountDownLatch(1);
  private final boolean terminal;
  private final Deque<ByteBuffer> output = new ArrayDeque<>();
  private final ByteArrayOutputStream input = new ByteArrayOutputStream();
  private @Nullable CompletableFuture<ByteBuffer> reader;
  private @Nullable CompletableFuture<Void> heldWrite;
  private boolean holdsWrites;
  private int reads;

  LoopStream(boolean terminal) {
    this.terminal = terminal;
  }

  /** More output; the empty text is its end. */
  void put(String text) {
    put(text.getBytes(StandardCharsets.UTF_8));
  }

  void put(byte[] bytes) {
    CompletableFuture<ByteBuffer> waiting;
    synchronized (this) {
      waiting = reader;
      reader = null;
      if (waiting == null) {
        output.add(ByteBuffer.wrap(bytes));
      }
    }
    if (waiting != null) {
      waiting.complete(ByteBuffer.wrap(bytes));
    }
  }

  synchronized String input() {
    return input.toString(StandardCharsets.UTF_8);
  }

  synchronized int inputSize() {
    return input.size();
  }

  /** From now on no write completes until {@link #release}. */
  synchronized void hold() {
    holdsWrites = true;
  }

  void release() {
    CompletableFuture<Void> held;
    synchronized (this) {
      holdsWrites = false;
      held = heldWrite;
    }
    if (held != null) {
      held.complete(null);
    }
  }

  synchronized int reads() {
    return reads;
  }

  @Override
  public boolean terminal() {
    return terminal;
  }

  @Override
  public synchronized CompletionStage<ByteBuffer> read() {
    reads++;
    ByteBuffer next = output.poll();
    if (next != null) {
      return CompletableFuture.completedFuture(next);
    }
    var waiting = new CompletableFuture<ByteBuffer>();
    reader = waiting;
    return waiting;
  }

  @Override
  public synchronized CompletionStage<Void> write(ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    input.writeBytes(copy);
    if (holdsWrites) {
      var held = new CompletableFuture<Void>();
      heldWrite = held;
      return held;
    }
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletionStage<Void> closeInput() {
    inputClosed.countDown();
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
