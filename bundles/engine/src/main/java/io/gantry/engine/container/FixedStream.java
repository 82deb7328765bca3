package io.gantry.engine.container;

import io.gantry.api.ByteStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A stream whose output is known: what there is to say about a process that never ran. */
final class FixedStream implements ByteStream {
  private final boolean terminal;
  private final Deque<ByteBuffer> left; // guarded by this deque

  FixedStream(boolean terminal, List<ByteBuffer> output) {
    this.terminal = terminal;
    this.left = new ArrayDeque<>(output);
  }

  /** A sentence on standard output. */
  static FixedStream saying(boolean terminal, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (terminal) {
      return new FixedStream(true, List.of(ByteBuffer.wrap(bytes)));
    }
    var frame = ByteBuffer.allocate(8 + bytes.length).putInt(0x01000000).putInt(bytes.length);
    return new FixedStream(false, List.of(frame.put(bytes).flip()));
  }

  @Override
  public boolean terminal() {
    return terminal;
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    synchronized (left) {
      var next = left.poll();
      return CompletableFuture.completedFuture(next == null ? ByteBuffer.allocate(0) : next);
    }
  }

  @Override
  public void close() {
    synchronized (left) {
      left.clear();
    }
  }
}
