package io.gantry.rest.http;

import io.gantry.api.ByteStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A stream whose output begins a moment after the head of the answer. Docker's SDK for Python reads
 * the head through a buffer and what follows beside it: output that arrives together with the head
 * is lost in that buffer. With dockerd there is always more than this between the two.
 */
final class AfterHead implements ByteStream {

  private static final Executor SOON = CompletableFuture.delayedExecutor(40, TimeUnit.MILLISECONDS);

  private final ByteStream stream;
  private boolean begun; // of the reader

  private AfterHead(ByteStream stream) {
    this.stream = stream;
  }

  /** The stream as a client gets it. */
  static ByteStream of(ByteStream stream, @Nullable String userAgent) {
    return userAgent != null
            && (userAgent.startsWith("docker-sdk-python/") || userAgent.contains("docker-py/"))
        ? new AfterHead(stream)
        : stream;
  }

  @Override
  public boolean terminal() {
    return stream.terminal();
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    if (begun) {
      return stream.read();
    }
    begun = true;
    return CompletableFuture.runAsync(() -> {}, SOON).thenCompose(now -> stream.read());
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
    stream.close();
  }
}
