package io.gantry.engine.container;

import io.gantry.api.ByteStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A terminal session that ends for its client, not for its process, at the detach keys. */
final class DetachableStream implements ByteStream {
  private final ByteStream stream;
  private final DetachKeys.Scan scan;
  private final Runnable detached;

  /**
   * @param detached told once
   */
  DetachableStream(ByteStream stream, DetachKeys keys, Runnable detached) {
    this.stream = stream;
    this.scan = keys.scan();
    this.detached = detached;
  }

  @Override
  public boolean terminal() {
    return stream.terminal();
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    return stream.read();
  }

  @Override
  public CompletionStage<Void> write(ByteBuffer input) {
    var passed = scan.pass(input);
    CompletionStage<Void> written =
        passed.hasRemaining()
            ? stream.write(passed)
            : CompletableFuture.<Void>completedFuture(null);
    if (!scan.complete()) {
      return written;
    }
    return written.thenRun(
        () -> {
          detached.run();
          stream.close();
        });
  }

  @Override
  public CompletionStage<Void> closeInput() {
    return stream.closeInput();
  }

  @Override
  public void close() {
    stream.close();
  }
}
