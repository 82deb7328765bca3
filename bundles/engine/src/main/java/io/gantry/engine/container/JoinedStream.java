package io.gantry.engine.container;

import io.gantry.api.ByteStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** First what was kept, then what comes; input goes to what comes. */
final class JoinedStream implements ByteStream {
  private final ByteStream kept;
  private final ByteStream coming;
  private volatile boolean caughtUp;

  JoinedStream(ByteStream kept, ByteStream coming) {
    this.kept = kept;
    this.coming = coming;
  }

  @Override
  public boolean terminal() {
    return coming.terminal();
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    if (caughtUp) {
      return coming.read();
    }
    return kept.read()
        .thenCompose(
            bytes -> {
              if (bytes.hasRemaining()) {
                return CompletableFuture.completedFuture(bytes);
              }
              caughtUp = true;
              return coming.read();
            });
  }

  @Override
  public CompletionStage<Void> write(ByteBuffer input) {
    return coming.write(input);
  }

  @Override
  public CompletionStage<Void> closeInput() {
    return coming.closeInput();
  }

  @Override
  public void close() {
    kept.close();
    coming.close();
  }
}
