package io.gantry.itests.isolation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gantry.itests.harness.Http;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** An engine behind its socket; Gantry or another one. */
final class Engine {
  static final String IMAGE = "isolation-probe";

  static final ObjectMapper JSON = new ObjectMapper();
  private static final String VERSION = "/v1.45";

  private final Path socket;
  private final String version;

  Engine(Path socket) {
    this(socket, VERSION);
  }

  Engine(Path socket, String version) {
    this.socket = socket;
    this.version = version;
  }

  /** One connection per call: some engines break it instead of answering. */
  Http.Answer call(String method, String path, String body) throws IOException {
    try (Http http = new Http(socket)) {
      return http.call(method, version + path, body);
    }
  }

  JsonNode json(String method, String path, String body) throws IOException {
    return JSON.readTree(call(method, path, body).body());
  }

  void remove(String id) throws IOException {
    call("DELETE", "/containers/" + id + "?force=1&v=1", "");
  }

  /** The image all containers are made of. */
  void load(byte[] tar) throws IOException {
    try (Http http = new Http(socket)) {
      String path = version + "/images/create?fromSrc=-&repo=" + IMAGE + "&tag=latest";
      var answer = http.call("POST", path, "application/x-tar", tar);
      if (answer.status() != 200) {
        throw new AssertionError("the image cannot be made: " + answer);
      }
    }
  }

  /** What a container wrote to its standard output, its log being json-file's. */
  String output(String id) throws IOException {
    try (Http http = new Http(socket)) {
      return unframed(http.bytes(version + "/containers/" + id + "/logs?stdout=1&stderr=1"));
    }
  }

  private static String unframed(byte[] bytes) {
    if (bytes.length < 8 || bytes[0] > 2 || bytes[1] != 0) { // of a terminal
      return new String(bytes, StandardCharsets.UTF_8).replace("\r", "");
    }
    var out = new ByteArrayOutputStream();
    for (int at = 0; at + 8 <= bytes.length; ) {
      int length =
          (bytes[at + 4] & 0xff) << 24
              | (bytes[at + 5] & 0xff) << 16
              | (bytes[at + 6] & 0xff) << 8
              | (bytes[at + 7] & 0xff);
      out.write(bytes, at + 8, Math.min(length, bytes.length - at - 8));
      at += 8 + length;
    }
    return out.toString(StandardCharsets.UTF_8);
  }
}
