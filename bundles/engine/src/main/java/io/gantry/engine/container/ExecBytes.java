package io.gantry.engine.container;

import io.gantry.api.ByteStream;
import io.gantry.monitor.MonitorStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * An exec'ed process' streams. Clients ask for the exit code as soon as the stream has ended: so it
 * ends only when that is known, which another connection says.
 */
final class ExecBytes implements ByteStream {
  private final MonitorStream stream;
  private final ExecProcess exec;
  private volatile boolean closed;

  ExecBytes(MonitorStream stream, ExecProcess exec) {
    this.stream = stream;
    this.exec = exec;
  }

  @Override
  public boolean terminal() {
    return stream.terminal();
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    return stream
        .read()
        .thenCompose(
            bytes ->
                bytes.hasRemaining() || closed
                    ? CompletableFuture.completedFuture(bytes)
                    : exec.over().thenApply(known -> bytes));
  }

  @Override
  public CompletionStage<Void> write(ByteBuffer input) {
    return stream.write(input);
  }

  @Override
  public CompletionStage<Void> closeInput() {
    return stream.closeInput();
  }

  @Override
  public void close() {
    closed = true;
    stream.close();
  }
}
