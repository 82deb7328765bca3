package io.gantry.rest.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.gantry.api.ByteStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

class WebSocketStreamTest {
  private static final byte[] PING = {(byte) 0x89, (byte) 0x80, 1, 2, 3, 4};
  private static final int PONG = 0x8a;

  private final CompletableFuture<ByteBuffer> output = new CompletableFuture<>();
  private final WebSocketStream inside = new WebSocketStream(new Quiet());

  @Test
  void pingsOfAClientLeaveNothingBehind() {
    for (int i = 0; i < 100; i++) {
      var answer = inside.read().toCompletableFuture();
      inside.write(ByteBuffer.wrap(PING));
      assertEquals(PONG, answer.join().get(0) & 0xff);
    }
    assertEquals(1, output.getNumberOfDependents());
    var last = inside.read().toCompletableFuture();
    assertFalse(last.isDone());
    output.complete(ByteBuffer.wrap(new byte[] {'x'}));
    assertEquals('x', last.join().get(2));
  }

  /** What comes while nobody reads is there for the next one. */
  @Test
  void outputThatCameBesideAPongIsNotLost() {
    var answer = inside.read().toCompletableFuture();
    inside.write(ByteBuffer.wrap(PING));
    answer.join();
    output.complete(ByteBuffer.wrap(new byte[] {'y'}));
    assertEquals('y', inside.read().toCompletableFuture().join().get(2));
  }

  /** Says nothing until it is told to. */
  private final class Quiet implements ByteStream {
    @Override
    public boolean terminal() {
      return true;
    }

    @Override
    public CompletionStage<ByteBuffer> read() {
      return output;
    }

    @Override
    public CompletionStage<Void> write(ByteBuffer input) {
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<Void> closeInput() {
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public void close() {}
  }
}
