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

  private static final long MOMENT_MILLIS = 40;

  private final ByteStream stream;
  private final Executor threads;
  private boolean begun; // of the reader

  private AfterHead(ByteStream stream, Executor threads) {
    this.stream = stream;
    this.threads = threads;
  }

  /**
   * The stream as a client gets it.
   *
   * @param threads one of them begins to read
   */
  static ByteStream of(ByteStream stream, @Nullable String userAgent, Executor threads) {
    return userAgent != null
            && (userAgent.startsWith("docker-sdk-python/") || userAgent.contains("docker-py/"))
        ? new AfterHead(stream, threads)
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
    var soon = CompletableFuture.delayedExecutor(MOMENT_MILLIS, TimeUnit.MILLISECONDS, threads);
    return CompletableFuture.runAsync(() -> {}, soon).thenCompose(now -> stream.read());
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
