package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.gantry.itests.harness.PlainFront;
import io.gantry.store.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A registry on loopback that does as a test says, right or wrong. */
final class FakeRegistry implements AutoCloseable {

  /** What is asked for, and with which headers. */
  record Asked(String method, String path, Map<String, List<String>> headers) {
    String header(String name) {
      return String.join(",", headers.getOrDefault(name, List.of()));
    }

    @Override
    public String toString() {
      return method + " " + path;
    }
  }

  /** Answers instead of the registry. */
  interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  final List<Asked> asked = new CopyOnWriteArrayList<>();

  /** By path, maybe with a method before it. */
  final Map<String, Answer> answers = new ConcurrentHashMap<>();

  /** Answers what is neither in {@link #answers} nor here; 404 without it. */
  volatile @Nullable Answer others;

  private final Map<String, byte[]> contents = new ConcurrentHashMap<>();
  private final Map<String, String> types = new ConcurrentHashMap<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer server;
  private volatile PlainFront front;

  final FakeUploads uploads = new FakeUploads(this);

  FakeRegistry() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
    front = new PlainFront(server.getAddress());
  }

  /** {@code HOST:PORT}. */
  String host() {
    return front.host();
  }

  /** Hangs up on all, and refuses connections for a while. */
  void goAway(Duration time) throws IOException {
    int port = front.port();
    front.close();
    LockSupport.parkNanos(time.toNanos());
    front = new PlainFront(server.getAddress(), port);
  }

  /** Puts a blob into a repository. */
  Digest blob(String repository, byte[] content) {
    Digest digest = Digest.sha256(content);
    contents.put(blobPath(repository, digest), content);
    return digest;
  }

  static String blobPath(String repository, Digest digest) {
    return "/v2/" + repository + "/blobs/" + digest;
  }

  /** Puts a manifest there, under a tag and its digest. */
  Digest manifest(String repository, String tag, String type, byte[] json) {
    Digest digest = Digest.sha256(json);
    for (String reference : List.of(tag, digest.toString())) {
      String path = "/v2/" + repository + "/manifests/" + reference;
      contents.put(path, json);
      types.put(path, type);
    }
    return digest;
  }

  /** What it has under a path. */
  byte[] content(String path) {
    return contents.get(path);
  }

  String type(String path) {
    return types.get(path);
  }

  /** Takes a blob over from another repository, if that has it. */
  boolean take(String repository, Digest digest, String from) {
    byte[] content = contents.get(blobPath(from, digest));
    if (content != null) {
      blob(repository, content);
    }
    return content != null;
  }

  /** Loses all of a repository. */
  void forget(String repository) {
    contents.keySet().removeIf(path -> path.startsWith("/v2/" + repository + "/"));
  }

  /** How many requests of a method there were whose path matches. */
  long count(String method, String pattern) {
    return asked.stream()
        .filter(one -> one.method().equals(method) && one.path().matches(pattern))
        .count();
  }

  /** How often something was fetched. */
  long fetched(String path) {
    return asked.stream()
        .filter(one -> one.method().equals("GET") && one.path().equals(path))
        .count();
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().toString();
    String method = exchange.getRequestMethod();
    asked.add(new Asked(method, path, Map.copyOf(exchange.getRequestHeaders())));
    try (exchange) {
      Answer answer = answers.getOrDefault(method + " " + path, answers.get(path));
      if (answer != null) {
        answer.to(exchange);
      } else {
        serve(exchange, path);
      }
    }
  }

  /** As a registry should. */
  void serve(HttpExchange exchange, String path) throws IOException {
    if (uploads.serve(exchange, path)) {
      return;
    }
    if (exchange.getRequestMethod().equals("PUT") && path.contains("/manifests/")) {
      take(exchange, path);
      return;
    }
    byte[] content = contents.get(path);
    if (path.equals("/v2/")) {
      send(exchange, 200, "application/json", new byte[] {'{', '}'});
    } else if (content == null && !path.contains("/manifests/") && others != null) {
      others.to(exchange);
    } else if (content == null) {
      String code = path.contains("/manifests/") ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN";
      String words = code.equals("BLOB_UNKNOWN") ? "blob unknown" : "manifest unknown";
      error(exchange, 404, code, words);
    } else {
      String range = exchange.getRequestHeaders().getFirst("Range");
      if (path.contains("/manifests/")) {
        exchange
            .getResponseHeaders()
            .set("Docker-Content-Digest", Digest.sha256(content).toString());
      }
      if (range != null) {
        int from = Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
        String last = "%d/%d".formatted(content.length - 1, content.length);
        exchange.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + last);
        send(
            exchange,
            206,
            "application/octet-stream",
            Arrays.copyOfRange(content, from, content.length));
        return;
      }
      send(exchange, 200, types.getOrDefault(path, "application/octet-stream"), content);
    }
  }

  /** A manifest; registries refuse one whose blobs they do not have. */
  private void take(HttpExchange exchange, String path) throws IOException {
    byte[] json = exchange.getRequestBody().readAllBytes();
    String repository = path.replaceFirst("/v2/(.+)/manifests/.*", "$1");
    Matcher digests = Pattern.compile("\"digest\":\"([^\"]+)\"").matcher(new String(json, UTF_8));
    while (digests.find()) {
      if (!contents.containsKey(blobPath(repository, Digest.parse(digests.group(1))))) {
        error(exchange, 400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry");
        return;
      }
    }
    String tag = path.replaceFirst(".*/", "");
    String type = exchange.getRequestHeaders().getFirst("Content-Type");
    Digest digest = manifest(repository, tag, type, json);
    exchange.getResponseHeaders().set("Docker-Content-Digest", digest.toString());
    exchange.sendResponseHeaders(201, -1);
  }

  static void error(HttpExchange exchange, int status, String code, String message)
      throws IOException {
    String json =
        "{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\",\"detail\":null}]}"
            .formatted(code, message);
    send(exchange, status, "application/json", json.getBytes(UTF_8));
  }

  static void send(HttpExchange exchange, int status, String type, byte[] content)
      throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    boolean isHead = exchange.getRequestMethod().equals("HEAD");
    if (isHead) {
      exchange.getResponseHeaders().set("Content-Length", Integer.toString(content.length));
    }
    exchange.sendResponseHeaders(status, isHead ? -1 : content.length);
    if (!isHead) {
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(content);
      }
    }
  }

  /** Says that all comes, sends a part, and hangs up. */
  static void cutOff(HttpExchange exchange, byte[] content, int part) throws IOException {
    exchange.sendResponseHeaders(200, content.length);
    exchange.getResponseBody().write(content, 0, part);
    exchange.getResponseBody().flush();
    throw new IOException("hangs up");
  }

  @Override
  public void close() {
    front.close();
    server.stop(0);
    threads.shutdownNow();
  }
}
