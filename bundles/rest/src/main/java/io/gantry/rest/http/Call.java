package io.gantry.rest.http;

import io.gantry.api.ByteStream;
import io.gantry.rest.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** One request, as far as a route needs it, and the ways to answer it. */
public final class Call {

  private static final String RAW_STREAM = "application/vnd.docker.raw-stream";

  private final Request request;
  private final Response response;
  private final Callback callback;
  private final HangUps hangUps;
  private final ApiVersion version;
  private final Map<String, String> places;
  private final Query query;
  private final AtomicBoolean answered = new AtomicBoolean();
  private String body = "";
  private Runnable hold = () -> {};
  private boolean closes;
  private boolean takenOver;

  Call(
      Request request,
      Response response,
      Callback callback,
      HangUps hangUps,
      ApiVersion version,
      Map<String, String> places,
      Query query) {
    this.request = request;
    this.response = response;
    this.callback = callback;
    this.hangUps = hangUps;
    this.version = version;
    this.places = places;
    this.query = query;
  }

  public ApiVersion version() {
    return version;
  }

  /** What stands in a place of the route's path. */
  public String path(String place) {
    return Objects.requireNonNull(places.get(place), place);
  }

  public Query query() {
    return query;
  }

  public @Nullable String header(String name) {
    return request.getHeaders().get(name);
  }

  /** Whether there is a body, whatever its length; {@code maximum} bytes do not count as one. */
  public boolean hasBodyBeyond(int maximum) {
    long length = request.getLength();
    return length > maximum || header("Transfer-Encoding") != null;
  }

  /**
   * The JSON body of a route that takes one.
   *
   * @param type what Go calls it in its sentences
   */
  public JsonObject json(String type) {
    return JsonObject.parse(body, type);
  }

  /** The JSON body; none is an empty object, and so is {@code null}. */
  public JsonObject optionalJson(String type) {
    return body.isBlank() || body.strip().equals("null") ? JsonObject.empty(type) : json(type);
  }

  /** The body as it comes; reading blocks. */
  public InputStream bodyStream() {
    return Content.Source.asInputStream(request);
  }

  void body(String text) {
    body = text;
  }

  /**
   * @param end gives back what this call has of {@link Holds}
   */
  void holds(Runnable end) {
    hold = end;
  }

  /** All was said, or the connection is a stream's. */
  void sent() {
    if (!takenOver) {
      hold.run();
    }
  }

  /** What else is sent on this connection is not to be read as requests. */
  void closeAfterwards() {
    closes = true;
  }

  /** The first answer counts. */
  boolean claim() {
    return answered.compareAndSet(false, true);
  }

  public boolean isHead() {
    return "HEAD".equals(request.getMethod());
  }

  /** Sets a header of the answer. */
  public void header(String name, String value) {
    response.getHeaders().put(name, value);
  }

  void reply(int status, @Nullable String contentType, byte[] content) {
    if (contentType != null) {
      header("Content-Type", contentType);
    }
    if (status != 204 && status != 304) {
      header("Content-Length", Integer.toString(content.length));
    }
    response.setStatus(status);
    if (!closes && request.consumeAvailable()) {
      response.write(true, isHead() ? null : ByteBuffer.wrap(content), callback);
    } else { // closing on unread input would make the client lose the answer
      header("Connection", "close");
      takeOver(new Fixed(content), Relay.Input.LEFT_OVER, false, HttpStatus.getMessage(status));
    }
  }

  /**
   * @param patient with a client that does not take what there is
   */
  void stream(String contentType, ByteStream stream, boolean patient) {
    boolean chunked = request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_1_1;
    header("Content-Type", contentType);
    header("Connection", "close");
    if (chunked) {
      header("Transfer-Encoding", "chunked");
    }
    response.setStatus(200);
    var mode = patient ? Relay.Input.DISCARDED : Relay.Input.OF_A_DOWNLOAD;
    takeOver(stream, mode, chunked, "OK");
  }

  void produce(String contentType, Answer.Body body) {
    var out = new Produced(response);
    header("Content-Type", contentType);
    response.setStatus(200);
    try (var watch = new Watch(request, hangUps)) {
      body.writeTo(out);
    } catch (IOException | RuntimeException e) {
      if (out.isSent()) {
        callback.failed(e);
      } else {
        response.getHeaders().remove("Content-Type");
        Gateway.failure(e).send(this);
      }
      return;
    }
    if (!out.isSent()) {
      reply(200, contentType, out.held());
      return;
    }
    response.write(true, ByteBuffer.wrap(out.held()), callback);
  }

  void hijack(String contentType, ByteStream stream) {
    if (losesOutput()) {
      stream.close();
      Answer.error(400, "attach and exec need TLS 1.3: before it, input cannot end by itself")
          .send(this);
      return;
    }
    boolean upgrade = wantsUpgrade();
    header("Content-Type", upgrade ? contentType : RAW_STREAM);
    if (upgrade) {
      header("Connection", "Upgrade");
      header("Upgrade", "tcp");
    }
    response.setStatus(upgrade ? 101 : 200);
    takeOver(
        AfterHead.of(
            stream,
            header("User-Agent"),
            request.getConnectionMetaData().getConnector().getExecutor()),
        Relay.Input.TO_STREAM,
        false,
        upgrade ? "UPGRADED" : "OK");
  }

  void webSocket(Supplier<ByteStream> stream) {
    String key = header("Sec-WebSocket-Key");
    String protocol = header("Upgrade");
    if (key == null || protocol == null || !protocol.equalsIgnoreCase("websocket")) {
      Answer.text(400, "not websocket protocol").send(this);
      return;
    }
    if (!"13".equals(header("Sec-WebSocket-Version"))) {
      header("Sec-WebSocket-Version", "13");
      Answer.text(426, "unsupported WebSocket version").send(this);
      return;
    }
    var inside = new WebSocketStream(stream.get());
    header("Connection", "Upgrade");
    header("Upgrade", "websocket");
    header("Sec-WebSocket-Accept", WebSocketStream.accept(key));
    response.setStatus(101);
    takeOver(inside, Relay.Input.TO_STREAM, false, "Switching Protocols");
  }

  /** An answer has failed: another one takes its place, unless something of it has gone out. */
  void notSent(Throwable e) {
    var failure = Gateway.failure(e);
    if (takenOver || response.isCommitted()) {
      hold.run();
      request.getConnectionMetaData().getConnection().getEndPoint().close(e);
    } else {
      failure.send(this);
    }
  }

  /** In TLS 1.2 the end of a client's input ends the whole connection (RFC 5246, 7.2.1). */
  private boolean losesOutput() {
    var session = request.getConnectionMetaData().getConnection().getEndPoint().getSslSessionData();
    return session != null && "TLSv1.2".equals(session.sslSession().getProtocol());
  }

  boolean wantsUpgrade() {
    String protocol = header("Upgrade");
    return protocol != null && protocol.toLowerCase(Locale.ROOT).contains("tcp");
  }

  /**
   * Ends HTTP on this connection. The response's callback is never completed: completing it would
   * make Jetty write a head of its own, with a length.
   */
  private void takeOver(ByteStream stream, Relay.Input input, boolean chunked, String reason) {
    var head = new StringBuilder("HTTP/1.1 ");
    head.append(response.getStatus()).append(' ').append(reason).append("\r\n");
    for (HttpField field : response.getHeaders()) {
      head.append(field.getName()).append(": ").append(field.getValue()).append("\r\n");
    }
    head.append("\r\n");
    var connection = request.getConnectionMetaData().getConnection();
    var endPoint = connection.getEndPoint();
    var connector = request.getConnectionMetaData().getConnector();
    takenOver = true;
    endPoint.upgrade(
        new Relay(endPoint, connector, hangUps, head.toString(), stream, input, chunked, hold));
  }
}
