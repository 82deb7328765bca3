package io.gantry.rest.http;

import io.gantry.api.ByteStream;
import io.gantry.rest.json.JsonText;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** A stream of one JSON value that is not there yet. */
final class JsonLater<T> implements ByteStream {

  private static final ByteBuffer END = ByteBuffer.allocate(0);

  private final CompletionStage<T> value;
  private final Function<? super T, ?> json;
  private boolean given;

  JsonLater(CompletionStage<T> value, Function<? super T, ?> json) {
    this.value = value;
    this.json = json;
  }

  @Override
  public boolean terminal() {
    return true;
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    if (given) {
      return CompletableFuture.completedFuture(END);
    }
    given = true;
    return value.thenApply(done -> ByteBuffer.wrap(JsonText.line(json.apply(done))));
  }

  @Override
  public void close() {
    value.toCompletableFuture().cancel(false); // whoever computes it may stop
  }
}
