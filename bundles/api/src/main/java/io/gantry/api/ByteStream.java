package io.gantry.api;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Two directions of bytes that hold no thread while they wait.
 *
 * <p>Out comes what Docker's clients read: raw bytes for a terminal, else frames of 8 bytes head
 * (stream 1 or 2, three zeros, big-endian length) and data. One read and one write may be
 * outstanding. Stages complete on a thread of the engine that must not be blocked. Who opened a
 * stream closes it.
 */
@ProviderType
public interface ByteStream extends AutoCloseable {

  /** Whether the bytes are a terminal's (raw) rather than frames. */
  boolean terminal();

  /**
   * The next bytes; an empty buffer is the end. The buffer is the reader's until it reads again.
   */
  CompletionStage<ByteBuffer> read();

  /**
   * Sends to standard input; completes when the buffer may be used again. Where there is none the
   * bytes are dropped.
   */
  default CompletionStage<Void> write(ByteBuffer input) {
    return CompletableFuture.completedFuture(null);
  }

  /** Standard input ends here; output goes on. */
  default CompletionStage<Void> closeInput() {
    return CompletableFuture.completedFuture(null);
  }

  /** Lets go; what runs goes on. May be repeated. */
  @Override
  void close();
}
