package io.gantry.rest.http;

import io.gantry.api.ByteStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A stream of bytes that are there, which swallows its input. */
final class Fixed implements ByteStream {

  private final ByteBuffer bytes;

  Fixed(byte[] bytes) {
    this.bytes = ByteBuffer.wrap(bytes);
  }

  @Override
  public boolean terminal() {
    return true;
  }

  /** The relay writes a buffer to its end before it reads again: then what is left is nothing. */
  @Override
  public CompletionStage<ByteBuffer> read() {
    return CompletableFuture.completedFuture(bytes);
  }

  @Override
  public void close() {
    // holds nothing
  }
}
