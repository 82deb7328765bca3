package io.gantry.itests.attacks;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URLEncoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What clients ask of an engine, and what attacks expect of its answers. */
final class Api {

  /** All peers speak it. */
  static final String VERSION = "/v1.41";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Subject subject;

  Api(Subject subject) {
    this.subject = subject;
  }

  Subject subject() {
    return subject;
  }

  Wire wire() throws IOException {
    return new Wire(subject.socket()).patience(subject.patience());
  }

  static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static String escaped(String text) {
    return URLEncoder.encode(text, UTF_8);
  }

  /** One request on a connection of its own; it may be answered before it has been read. */
  Reply call(String method, String path, String json) throws IOException {
    try (Wire wire = wire()) {
      wire.offer(request(method, path, json));
      return wire.reply(method);
    }
  }

  static byte[] request(String method, String path, String json) {
    byte[] body = json.getBytes(UTF_8);
    String head =
        method
            + " "
            + VERSION
            + path
            + " HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: "
            + body.length
            + "\r\nConnection: close\r\n\r\n";
    var all = new ByteArrayOutputStream();
    all.writeBytes(head.getBytes(UTF_8));
    all.writeBytes(body);
    return all.toByteArray();
  }

  Reply get(String path) throws IOException {
    return call("GET", path, "");
  }

  Reply post(String path) throws IOException {
    return call("POST", path, "");
  }

  Reply post(String path, Object body) throws IOException {
    return call("POST", path, json(body));
  }

  /** Uploads a tar as an image; the answer is read to its end, since it may fail late. */
  Reply load(String path, byte[] archive) throws IOException {
    return late(upload("POST", path, archive));
  }

  Reply upload(String method, String path, byte[] archive) throws IOException {
    try (Wire wire = wire()) {
      wire.send(
          method
              + " "
              + VERSION
              + path
              + " HTTP/1.1\r\nHost: engine\r\nContent-Type: application/x-tar\r\nContent-Length: "
              + archive.length
              + "\r\nConnection: close\r\n\r\n");
      wire.offer(archive);
      return wire.reply();
    }
  }

  /** An answer whose status was sent before its failure: both engines stream those of uploads. */
  private static Reply late(Reply reply) {
    if (reply.status() != 200) {
      return reply;
    }
    for (String line : reply.body().split("\n")) {
      JsonNode error = new Reply(200, Map.of(), line).json().path("error");
      if (!error.isMissingNode()) {
        return new Reply(400, reply.headers(), json(Map.of("message", error.asText())));
      }
    }
    return reply;
  }

  Reply importTar(byte[] tar, String... changes) throws IOException {
    var path = new StringBuilder("/images/create?fromSrc=-");
    for (String change : changes) {
      path.append("&changes=").append(escaped(change));
    }
    return load(path.toString(), tar);
  }

  /** The id of the image that the tar became. */
  String image(byte[] tar, String... changes) throws IOException {
    Reply reply = importTar(tar, changes);
    String id = "";
    for (String line : reply.body().split("\n")) {
      id = new Reply(200, Map.of(), line).json().path("status").asText(id);
    }
    if (reply.status() != 200 || id.isEmpty()) {
      throw new AssertionError("the image could not be made: " + reply);
    }
    return id.strip();
  }

  Reply create(Map<String, ?> config) throws IOException {
    return post("/containers/create", config);
  }

  String created(Map<String, ?> config) throws IOException {
    Reply reply = create(config);
    if (reply.status() != 201) {
      throw new AssertionError("not created: " + reply);
    }
    return reply.json().path("Id").asText();
  }

  Reply start(String id) throws IOException {
    return post("/containers/" + id + "/start");
  }

  void remove(String id) throws IOException {
    call("DELETE", "/containers/" + id + "?force=1&v=1", "");
  }

  /**
   * What became of a container.
   *
   * @param refusal why it was not created or started, or null
   */
  record Run(int exit, String out, @org.jspecify.annotations.Nullable Reply refusal) {}

  /** Creates, starts, waits, reads the log, removes. */
  Run run(Map<String, ?> config) throws IOException {
    Reply made = create(config);
    if (made.status() != 201) {
      return new Run(-1, "", made);
    }
    String id = made.json().path("Id").asText();
    try {
      Reply started = start(id);
      if (started.status() != 204) {
        return new Run(-1, "", started);
      }
      int exit = post("/containers/" + id + "/wait").json().path("StatusCode").asInt(-1);
      return new Run(exit, logs(id), null);
    } finally {
      remove(id);
    }
  }

  String logs(String id) throws IOException {
    return demultiplexed(get("/containers/" + id + "/logs?stdout=1&stderr=1").bytes());
  }

  /** Docker's frames: stream, three zeros, length, bytes. What is none is taken as it is. */
  static String demultiplexed(byte[] raw) {
    var text = new ByteArrayOutputStream();
    int at = 0;
    while (at + 8 <= raw.length && raw[at] <= 2 && raw[at + 1] == 0) {
      int length =
          (raw[at + 4] & 0xff) << 24
              | (raw[at + 5] & 0xff) << 16
              | (raw[at + 6] & 0xff) << 8
              | raw[at + 7] & 0xff;
      text.write(raw, at + 8, Math.min(length, raw.length - at - 8));
      at += 8 + length;
    }
    return at == 0 ? new String(raw, UTF_8) : text.toString(UTF_8);
  }

  /** Runs a command in a running container and returns what it printed. */
  String exec(String id, Map<String, ?> config) throws IOException {
    Reply made = post("/containers/" + id + "/exec", config);
    if (made.status() != 201) {
      throw new AssertionError("no exec: " + made);
    }
    try (Wire wire = wire()) {
      wire.patience(Duration.ofSeconds(40));
      wire.send(
          request(
              "POST", "/exec/" + made.json().path("Id").asText() + "/start", "{\"Detach\":false}"));
      Reply reply = wire.reply();
      return demultiplexed(reply.bytes());
    }
  }

  /** The ids of all containers and images: what a refused request must not have changed. */
  List<String> inventory() throws IOException {
    var all = new ArrayList<String>();
    get("/containers/json?all=1").json().forEach(row -> all.add(row.path("Id").asText()));
    get("/images/json").json().forEach(row -> all.add(row.path("Id").asText()));
    all.sort(null);
    return all;
  }

  /** The request was the client's mistake, and was told so in words. */
  static void refused(Reply reply) {
    boolean told = reply.status() >= 400 && reply.status() < 500 || reply.status() == 501;
    if (!told) {
      throw new AssertionError("not refused: " + reply);
    }
    if (reply.message().isEmpty()) {
      throw new AssertionError("refused without a word: " + reply);
    }
  }

  /** Whatever the answer, the mistake is not said to be the engine's. */
  static void noServerError(Reply reply) {
    if (reply.status() >= 500 && reply.status() != 501) {
      throw new AssertionError("a client's mistake is answered with " + reply);
    }
  }

  static void check(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }
}
