package io.gantry.itests.harness.v1;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.gantry.itests.harness.PlainFront;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * A registry, an index, or both on one port, on loopback without TLS. It keeps what it is asked,
 * and answers as a test says where that says something.
 */
public final class V1Server implements AutoCloseable {

  /** What is asked for, and with which headers; {@code body} bytes came with it. */
  public record Asked(String method, String path, Map<String, List<String>> headers, int body) {
    public String header(String name) {
      return String.join(",", headers.getOrDefault(name, List.of()));
    }

    @Override
    public String toString() {
      return method + " " + path;
    }
  }

  /** Answers instead of the server. */
  public interface Answer {
    void to(V1Call call) throws IOException;
  }

  /** In the order in which they came. */
  public final List<Asked> asked = new CopyOnWriteArrayList<>();

  /** By path with its query, maybe with a method before it. */
  public final Map<String, Answer> answers = new ConcurrentHashMap<>();

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer server;
  private final PlainFront front;
  private @Nullable V1Index index;
  private @Nullable V1Registry registry;

  private V1Server() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    front = new PlainFront(server.getAddress());
  }

  /** A registry with the paths of an index and no users. */
  public static V1Server standalone() throws IOException {
    var server = new V1Server();
    server.index = new V1Index(List.of());
    server.registry = new V1Registry(null);
    server.server.start();
    return server;
  }

  /** A registry that lets in whom an index lets in. */
  public static V1Server registryOf(V1Index index) throws IOException {
    var server = new V1Server();
    server.registry = new V1Registry(index);
    server.server.start();
    return server;
  }

  /** An index that leads to registries, which may not be there yet. */
  public static V1Server index(List<String> endpoints) throws IOException {
    var server = new V1Server();
    server.index = new V1Index(endpoints);
    server.server.start();
    return server;
  }

  /** {@code HOST:PORT}. */
  public String host() {
    return front.host();
  }

  public V1Index index() {
    return Objects.requireNonNull(index);
  }

  public V1Registry registry() {
    return Objects.requireNonNull(registry);
  }

  /** How often something was asked for. */
  public long count(String methodAndPath) {
    return asked.stream().filter(one -> one.toString().equals(methodAndPath)).count();
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().toString();
    String method = exchange.getRequestMethod();
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      asked.add(new Asked(method, path, Map.copyOf(exchange.getRequestHeaders()), body.length));
      var call = new V1Call(exchange, body);
      Answer answer = answers.getOrDefault(method + " " + path, answers.get(path));
      if (answer != null) {
        answer.to(call);
      } else {
        serve(call);
      }
    }
  }

  /** As a server should. */
  public void serve(V1Call call) throws IOException {
    call.with("X-Docker-Registry-Version", "0.9.1").with("Vary", "Accept");
    String path = call.path();
    if (path.equals("/v1/_ping")) {
      call.with("X-Docker-Registry-Standalone", Boolean.toString(index != null)).send(200, "true");
    } else if (index != null && index.serve(call, host())) {
      return;
    } else if (registry == null || !registry.serve(call)) {
      call.error(404, "Not found");
    }
  }

  @Override
  public void close() {
    front.close();
    server.stop(0);
    threads.shutdownNow();
  }
}
