package io.gantry.rest.route;

import io.gantry.api.ByteStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;

/**
 * A terminal's bytes in Docker's frames, for who starts an exec without saying that it has a
 * terminal: as by dockerd, the start decides about frames.
 */
final class FramedTerminal implements ByteStream {
  private static final int HEAD = 8;
  private static final byte STDOUT = 1;

  private final ByteStream stream;

  FramedTerminal(ByteStream stream) {
    this.stream = stream;
  }

  @Override
  public boolean terminal() {
    return false;
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    return stream.read().thenApply(bytes -> bytes.hasRemaining() ? framed(bytes) : bytes);
  }

  private static ByteBuffer framed(ByteBuffer bytes) {
    var frame = ByteBuffer.allocate(HEAD + bytes.remaining());
    frame.put(STDOUT).put(new byte[3]).putInt(bytes.remaining()).put(bytes);
    return frame.flip();
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
