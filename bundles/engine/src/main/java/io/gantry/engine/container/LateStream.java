package io.gantry.engine.container;

import io.gantry.api.ByteStream;
import io.gantry.monitor.Monitor;
import io.gantry.monitor.Streams;
import io.gantry.spi.GantryException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * Standard streams that may not be there yet: reads and writes wait for the start. It ends when the
 * process does, or when the start fails.
 */
final class LateStream implements ByteStream {
  private final boolean terminal;
  private final Streams streams;
  private final CompletableFuture<ByteStream> there = new CompletableFuture<>();
  private volatile boolean closed;

  LateStream(boolean terminal, Streams streams) {
    this.terminal = terminal;
    this.streams = streams;
  }

  /** Connects it; false when the monitor is gone by now. */
  boolean connect(Monitor monitor) {
    if (closed) {
      return false;
    }
    ByteStream stream;
    try {
      stream = new MonitorBytes(monitor.attach(streams));
    } catch (GantryException e) {
      return false;
    }
    if (!there.complete(stream) || closed) {
      stream.close();
    }
    return true;
  }

  void end() {
    there.complete(new FixedStream(terminal, new ArrayList<>()));
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public boolean terminal() {
    return terminal;
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    return then(ByteStream::read);
  }

  @Override
  public CompletionStage<Void> write(ByteBuffer input) {
    return then(stream -> stream.write(input));
  }

  @Override
  public CompletionStage<Void> closeInput() {
    return then(ByteStream::closeInput);
  }

  @Override
  public void close() {
    closed = true;
    if (!there.complete(new FixedStream(terminal, List.of()))) {
      there.thenAccept(ByteStream::close);
    }
  }

  private <T> CompletionStage<T> then(Function<ByteStream, CompletionStage<T>> action) {
    return there.isDone() ? action.apply(there.join()) : there.thenCompose(action);
  }
}
