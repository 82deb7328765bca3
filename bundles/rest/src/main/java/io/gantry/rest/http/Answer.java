package io.gantry.rest.http;

import io.gantry.api.ByteStream;
import io.gantry.rest.json.JsonText;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What a route answers with. */
@FunctionalInterface
public interface Answer {

  String JSON = "application/json";
  String TEXT = "text/plain; charset=utf-8";

  /** Sends itself; called once. */
  void send(Call to);

  static Answer json(@Nullable Object value) {
    return json(200, value);
  }

  static Answer json(int status, @Nullable Object value) {
    byte[] body = JsonText.line(value);
    return to -> to.reply(status, JSON, body);
  }

  static Answer text(int status, String text) {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    return to -> to.reply(status, TEXT, body);
  }

  /** No body. */
  static Answer status(int status) {
    return to -> to.reply(status, null, new byte[0]);
  }

  /** Docker's form of an error. */
  static Answer error(int status, String message) {
    return status == 304 ? status(304) : json(status, JsonText.object("message", message));
  }

  /** The head goes out at once, the value when it is there; a client that leaves cancels it. */
  static <T> Answer later(CompletionStage<T> value, Function<? super T, ?> json) {
    return stream(JSON, new JsonLater<>(value, json));
  }

  /** The head goes out at once, then what the stream gives; a client that leaves ends it. */
  static Answer stream(String contentType, ByteStream stream) {
    return to -> to.stream(contentType, stream, true);
  }

  /** As {@link #stream}, of what is there: a client that does not take it is cut off in the end. */
  static Answer download(String contentType, ByteStream stream) {
    return to -> to.stream(contentType, stream, false);
  }

  /** Writes a body; what it writes before it flushes or fills a buffer may still be taken back. */
  @FunctionalInterface
  interface Body {
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * A body that is made while it is sent, on the request's thread. A failure before anything has
   * gone out is an answer of its own, one after that breaks the connection off. The thread is
   * interrupted when the client goes away.
   */
  static Answer produced(String contentType, Body body) {
    return to -> to.produce(contentType, body);
  }

  /**
   * The connection is the stream's from now on, in both directions.
   *
   * @param contentType for clients that upgrade; others get to know nothing about frames
   */
  static Answer hijack(String contentType, ByteStream stream) {
    return to -> to.hijack(contentType, stream);
  }

  /**
   * The same inside a WebSocket.
   *
   * @param stream opened once the client is known to speak it
   */
  static Answer webSocket(Supplier<ByteStream> stream) {
    return to -> to.webSocket(stream);
  }
}
