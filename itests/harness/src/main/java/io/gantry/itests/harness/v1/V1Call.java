package io.gantry.itests.harness.v1;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One request, and the answer to it. */
public final class V1Call {

  static final JsonMapper JSON = new JsonMapper();
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-");

  private final HttpExchange exchange;
  private final String method;
  private final String path;
  private final byte[] body;

  V1Call(HttpExchange exchange, byte[] body) {
    this.exchange = exchange;
    this.method = exchange.getRequestMethod();
    this.path = exchange.getRequestURI().getPath();
    this.body = body;
  }

  public HttpExchange exchange() {
    return exchange;
  }

  String method() {
    return method;
  }

  boolean is(String other) {
    return method.equals(other);
  }

  boolean reads() {
    return method.equals("GET") || method.equals("HEAD");
  }

  String path() {
    return path;
  }

  byte[] body() {
    return body;
  }

  /** The part of a query, decoded. */
  String query(String name) {
    String query = exchange.getRequestURI().getQuery();
    for (String pair : query == null ? new String[0] : query.split("&")) {
      if (pair.startsWith(name + "=")) {
        return pair.substring(name.length() + 1);
      }
    }
    return "";
  }

  /** Empty when the body is no JSON. */
  Optional<JsonNode> json() {
    JsonNode tree = tree(new String(body, UTF_8));
    return tree.isMissingNode() ? Optional.empty() : Optional.of(tree);
  }

  /** Missing when the text is no JSON. */
  static JsonNode tree(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException e) {
      return JSON.missingNode();
    }
  }

  String header(String name) {
    String value = exchange.getRequestHeaders().getFirst(name);
    return value == null ? "" : value;
  }

  /** {@code USER:PASSWORD} of Basic, or empty. */
  String basic() {
    String value = header("Authorization");
    return value.startsWith("Basic ")
        ? new String(Base64.getDecoder().decode(value.substring(6)), UTF_8)
        : "";
  }

  /** Adds a field to the answer; before it is sent. */
  public V1Call with(String name, String value) {
    exchange.getResponseHeaders().add(name, value);
    return this;
  }

  void send(int status, String json) throws IOException {
    with("Content-Type", "application/json");
    send(status, json.getBytes(UTF_8));
  }

  void error(int status, String message) throws IOException {
    send(status, "{\"error\": \"" + message + "\"}");
  }

  /** Bytes, or the part of them that is asked for. */
  void sendContent(byte[] content) throws IOException {
    with("Accept-Ranges", "bytes");
    Matcher range = RANGE.matcher(header("Range"));
    if (!range.matches()) {
      send(200, content);
      return;
    }
    int from = Integer.parseInt(range.group(1));
    if (from >= content.length) {
      error(416, "Requested range not satisfiable");
      return;
    }
    with("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
    send(206, Arrays.copyOfRange(content, from, content.length));
  }

  private void send(int status, byte[] content) throws IOException {
    boolean isEmpty = method.equals("HEAD") || status == 204;
    if (method.equals("HEAD")) {
      with("Content-Length", Integer.toString(content.length));
    }
    exchange.sendResponseHeaders(status, isEmpty ? -1 : content.length == 0 ? -1 : content.length);
    if (!isEmpty && content.length > 0) {
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(content);
      }
    }
  }

  /** The fields of a header, as lists are written. */
  static String list(List<String> values) {
    return String.join(", ", values);
  }
}
