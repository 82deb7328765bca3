package io.gantry.registry.client;

import com.sun.net.httpserver.HttpExchange;
import io.gantry.store.Digest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The upload sessions of a {@link FakeRegistry}, as the specification has them. */
final class FakeUploads {

  private static final Pattern BEGIN =
      Pattern.compile("/v2/(.+)/blobs/uploads/(?:\\?mount=([^&]+)&from=(.+)|\\?digest=(.+))?");
  private static final Pattern SESSION =
      Pattern.compile("/v2/(.+)/blobs/uploads/(\\d+)(?:\\?digest=(.+))?");

  /** Bytes of what has come in of each session, in their order from 1. */
  final Map<String, ByteArrayOutputStream> sessions = new ConcurrentHashMap<>();

  /** How many pieces come in now, and how many did at most. */
  final AtomicInteger receiving = new AtomicInteger();

  final AtomicInteger mostReceiving = new AtomicInteger();

  /** Runs when a blob is there, before anybody hears of it. */
  volatile Step onBlob = () -> {};

  /** Whether one POST may bring all of a blob. */
  volatile boolean takesWhole;

  /** What may fail as an answer may. */
  interface Step {
    void run() throws IOException;
  }

  private final AtomicInteger count = new AtomicInteger();
  private final FakeRegistry registry;

  FakeUploads(FakeRegistry registry) {
    this.registry = registry;
  }

  /**
   * @return whether it was about an upload
   */
  boolean serve(HttpExchange exchange, String path) throws IOException {
    Matcher begin = BEGIN.matcher(path);
    if (begin.matches()) {
      if (begin.group(4) != null && takesWhole) {
        end(exchange, begin.group(1), begin.group(4), new ByteArrayOutputStream());
      } else {
        begin(exchange, begin.group(1), begin.group(2), begin.group(3));
      }
      return true;
    }
    Matcher session = SESSION.matcher(path);
    if (!session.matches()) {
      return false;
    }
    ByteArrayOutputStream content = sessions.get(session.group(2));
    if (content == null) {
      exchange.getRequestBody().readAllBytes();
      FakeRegistry.error(exchange, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown");
      return true;
    }
    String place = path.replaceFirst("\\?.*", "");
    switch (exchange.getRequestMethod()) {
      case "PATCH" -> patch(exchange, place, content);
      case "PUT" -> end(exchange, session.group(1), session.group(3), content);
      case "DELETE" -> {
        sessions.remove(session.group(2));
        exchange.sendResponseHeaders(204, -1);
      }
      default -> {
        range(exchange, place, content);
        exchange.sendResponseHeaders(204, -1);
      }
    }
    return true;
  }

  private void begin(HttpExchange exchange, String repository, String mount, String from)
      throws IOException {
    if (mount != null && registry.take(repository, Digest.parse(mount), from)) {
      exchange.sendResponseHeaders(201, -1);
      return;
    }
    String id = Integer.toString(count.incrementAndGet());
    sessions.put(id, new ByteArrayOutputStream());
    exchange.getResponseHeaders().set("Location", "/v2/" + repository + "/blobs/uploads/" + id);
    exchange.sendResponseHeaders(202, -1);
  }

  private void patch(HttpExchange exchange, String place, ByteArrayOutputStream content)
      throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Content-Range");
    if (range != null && !range.startsWith(content.size() + "-")) {
      range(exchange, place, content);
      exchange.sendResponseHeaders(416, -1);
      return;
    }
    mostReceiving.accumulateAndGet(receiving.incrementAndGet(), Math::max);
    try {
      exchange.getRequestBody().transferTo(content);
    } finally {
      receiving.decrementAndGet();
    }
    range(exchange, place, content);
    exchange.sendResponseHeaders(202, -1);
  }

  /** Begins a session, without telling anybody. */
  void begin(String id) {
    count.incrementAndGet();
    sessions.put(id, new ByteArrayOutputStream());
  }

  /** Takes so many bytes of a piece. */
  void take(HttpExchange exchange, String session, int bytes) throws IOException {
    InputStream in = exchange.getRequestBody();
    sessions.get(session).write(in.readNBytes(bytes));
  }

  /** Takes so many bytes of a piece, and hangs up. */
  void breakOff(HttpExchange exchange, String session, int bytes) throws IOException {
    take(exchange, session, bytes);
    throw new IOException("hangs up");
  }

  private static void range(HttpExchange exchange, String place, ByteArrayOutputStream content) {
    exchange.getResponseHeaders().set("Location", place);
    exchange.getResponseHeaders().set("Range", "0-" + Math.max(0, content.size() - 1));
  }

  private void end(
      HttpExchange exchange, String repository, String name, ByteArrayOutputStream content)
      throws IOException {
    exchange.getRequestBody().transferTo(content);
    Digest digest = Digest.parse(name);
    if (!Digest.sha256(content.toByteArray()).equals(digest)) {
      FakeRegistry.error(exchange, 400, "DIGEST_INVALID", "provided digest did not match");
      return;
    }
    sessions.values().remove(content);
    registry.blob(repository, content.toByteArray());
    onBlob.run();
    exchange.getResponseHeaders().set("Docker-Content-Digest", digest.toString());
    exchange.sendResponseHeaders(201, -1);
  }
}
