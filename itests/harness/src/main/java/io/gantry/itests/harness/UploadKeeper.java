package io.gantry.itests.harness;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A front of docker-registry that keeps what has come of a blob when a request breaks off, as the
 * distribution specification has it; docker-registry 2.8 itself throws such an upload away.
 */
public final class UploadKeeper implements AutoCloseable {

  private static final Pattern BEGIN = Pattern.compile("/v2/(.+)/blobs/uploads/");
  private static final Pattern SESSION =
      Pattern.compile("/v2/(.+)/blobs/uploads/kept-(\\d+)(?:\\?digest=(.+))?");

  private final Registry registry;
  private final Behind behind;
  private final Path scratch;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpClient http = HttpClient.newHttpClient();
  private final Map<String, Session> sessions = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  private long taken; // guarded by this

  /** What has come of a blob; one request at a time has the lock. */
  private record Session(Path file, ReentrantLock lock) {}

  /**
   * @param scratch for what comes
   */
  public UploadKeeper(Registry registry, Path scratch) throws IOException {
    this.registry = registry;
    this.behind = new Behind(registry.host());
    this.scratch = Files.createDirectories(scratch);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  public int port() {
    return server.getAddress().getPort();
  }

  /** Bytes of blobs that are in the registry, or on their way there. */
  public synchronized long kept() throws IOException {
    long all = taken;
    for (Session session : sessions.values()) {
      all += Files.size(session.file());
    }
    return all;
  }

  /** Uploads that nobody has ended. */
  public int open() {
    return sessions.size();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().toString();
      Matcher begin = BEGIN.matcher(path);
      Matcher session = SESSION.matcher(path);
      if (exchange.getRequestMethod().equals("POST") && begin.matches()) {
        begin(exchange, path);
      } else if (session.matches()) {
        serve(exchange, session);
      } else {
        behind.answer(exchange);
      }
    }
  }

  private void begin(HttpExchange exchange, String path) throws IOException {
    exchange.getRequestBody().readAllBytes();
    String id = Integer.toString(count.incrementAndGet());
    Path file = Files.createFile(scratch.resolve(id));
    sessions.put(id, new Session(file, new ReentrantLock()));
    exchange.getResponseHeaders().set("Location", path + "kept-" + id);
    exchange.sendResponseHeaders(202, -1);
  }

  private void serve(HttpExchange exchange, Matcher request) throws IOException {
    Session session = sessions.get(request.group(2));
    if (session == null) {
      exchange.sendResponseHeaders(404, -1);
      return;
    }
    session.lock().lock(); // a request that has broken off may still be read
    try {
      switch (exchange.getRequestMethod()) {
        case "PATCH" -> append(exchange, session.file());
        case "PUT" -> end(exchange, request, session.file());
        case "DELETE" -> {
          drop(request.group(2));
          exchange.sendResponseHeaders(204, -1);
        }
        default -> status(exchange, session.file(), 204);
      }
    } finally {
      session.lock().unlock();
    }
  }

  private void drop(String id) throws IOException {
    Session session = sessions.remove(id);
    if (session != null) {
      Files.delete(session.file());
    }
  }

  private static void status(HttpExchange exchange, Path file, int status) throws IOException {
    exchange.getResponseHeaders().set("Location", exchange.getRequestURI().toString());
    exchange.getResponseHeaders().set("Range", "0-" + Math.max(0, Files.size(file) - 1));
    exchange.sendResponseHeaders(status, -1);
  }

  private static void append(HttpExchange exchange, Path file) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Content-Range");
    if (range != null && !range.startsWith(Files.size(file) + "-")) {
      status(exchange, file, 416);
      return;
    }
    byte[] buffer = new byte[1 << 16];
    InputStream in = exchange.getRequestBody();
    try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.APPEND)) {
      for (int n; (n = in.read(buffer)) > 0; ) { // until the end, or until it breaks off
        out.write(buffer, 0, n);
      }
    }
    status(exchange, file, 202);
  }

  private void end(HttpExchange exchange, Matcher request, Path file) throws IOException {
    exchange.getRequestBody().readAllBytes();
    String uploads = "http://" + registry.host() + "/v2/" + request.group(1) + "/blobs/uploads/";
    try {
      HttpResponse<Void> begun = send("POST", uploads, HttpRequest.BodyPublishers.noBody());
      String place = begun.headers().firstValue("Location").orElseThrow();
      HttpResponse<Void> ended =
          send(
              "PUT",
              place + "&digest=" + request.group(3),
              HttpRequest.BodyPublishers.ofFile(file));
      if (ended.statusCode() == 201) {
        took(request.group(2));
      }
      exchange.sendResponseHeaders(ended.statusCode(), -1);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private synchronized void took(String id) throws IOException {
    taken += Files.size(scratch.resolve(id));
    drop(id);
  }

  private HttpResponse<Void> send(String method, String uri, HttpRequest.BodyPublisher body)
      throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(URI.create(uri))
            .method(method, body)
            .header("Content-Type", "application/octet-stream");
    return http.send(request.build(), HttpResponse.BodyHandlers.discarding());
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
