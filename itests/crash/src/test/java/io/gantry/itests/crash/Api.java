package io.gantry.itests.crash;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The engine's HTTP API for one client; nothing is ever tried twice. Not thread-safe. */
final class Api implements AutoCloseable {
  static final String UNNAMED = "<none>@";

  private static final ObjectMapper JSON = new ObjectMapper();
  static final String VERSION = "/v1.41";

  private final Http http;

  Api(Instance engine) throws IOException {
    http = engine.http();
  }

  Http.Answer post(String path, String json) throws IOException {
    return http.call("POST", VERSION + path, json);
  }

  Http.Answer post(String path, byte[] tar) throws IOException {
    return http.call("POST", VERSION + path, "application/x-tar", tar);
  }

  Http.Answer put(String path, byte[] tar) throws IOException {
    return http.call("PUT", VERSION + path, "application/x-tar", tar);
  }

  Http.Answer head(String path) throws IOException {
    return http.call("HEAD", VERSION + path, "");
  }

  Http.Answer delete(String path) throws IOException {
    return http.call("DELETE", VERSION + path, "");
  }

  Http.Answer get(String path) throws IOException {
    return http.call("GET", VERSION + path, "");
  }

  /** The answer to a GET that has to succeed. */
  JsonNode read(String path) throws IOException {
    Http.Answer answer = get(path);
    if (answer.status() != 200) {
      throw new AssertionError("GET " + path + ": " + answer.status() + " " + answer.body());
    }
    return json(answer);
  }

  Seen inspect(String ref) throws IOException {
    Http.Answer answer = get("/containers/" + ref + "/json");
    return switch (answer.status()) {
      case 200 -> Seen.of(json(answer));
      case 404 -> Seen.ABSENT;
      default ->
          throw new AssertionError(
              "inspect of " + ref + ": " + answer.status() + " " + answer.body());
    };
  }

  /** Lines that a container has printed on standard output, in all its runs. */
  List<String> log(String ref) throws IOException {
    Http.Answer answer = get("/containers/" + ref + "/logs?stdout=1");
    if (answer.status() != 200) {
      throw new AssertionError("log of " + ref + ": " + answer.status() + " " + answer.body());
    }
    return text(answer.body()).lines().map(String::strip).toList();
  }

  /** What whole frames of a multiplexed stream hold; a byte each is a character. */
  static String text(String frames) {
    StringBuilder text = new StringBuilder();
    for (int at = 0; at + 8 <= frames.length(); ) {
      int length = (frames.charAt(at + 6) << 8) + frames.charAt(at + 7); // frames are short
      int end = at + 8 + length;
      if (end > frames.length()) {
        break;
      }
      text.append(frames, at + 8, end);
      at = end;
    }
    return text.toString();
  }

  /** Events of a time that has passed. */
  List<JsonNode> events(Instant since, Instant until) throws IOException {
    String path = "/events?since=%s&until=%s".formatted(seconds(since), seconds(until));
    Http.Answer answer = get(path);
    if (answer.status() != 200) {
      throw new AssertionError("GET " + path + ": " + answer.status() + " " + answer.body());
    }
    List<JsonNode> events = new ArrayList<>();
    for (String line : answer.body().lines().toList()) {
      events.add(JSON.readTree(line));
    }
    return events;
  }

  private static String seconds(Instant time) {
    return "%d.%09d".formatted(time.getEpochSecond(), time.getNano());
  }

  /** Ids of all containers. */
  List<String> containers() throws IOException {
    List<String> ids = new ArrayList<>();
    read("/containers/json?all=1").forEach(each -> ids.add(each.path("Id").asText()));
    return ids;
  }

  /** Of one container, those that links give included. */
  List<String> names(String id) throws IOException {
    List<String> names = new ArrayList<>();
    String filters = encoded("{\"id\": [\"%s\"]}".formatted(id));
    read("/containers/json?all=1&filters=" + filters)
        .forEach(each -> each.path("Names").forEach(name -> names.add(name.asText())));
    return names;
  }

  /** All volumes by name. */
  Map<String, JsonNode> volumes() throws IOException {
    Map<String, JsonNode> volumes = new TreeMap<>();
    read("/volumes").path("Volumes").forEach(each -> volumes.put(each.path("Name").asText(), each));
    return volumes;
  }

  /** Networks that clients made, by name. */
  Map<String, JsonNode> networks() throws IOException {
    Map<String, JsonNode> networks = new TreeMap<>();
    String filters = encoded("{\"type\": [\"custom\"]}");
    for (JsonNode each : read("/networks?filters=" + filters)) {
      networks.put(each.path("Name").asText(), each);
    }
    return networks;
  }

  /** Names of volumes that no container has and nobody gave a name. */
  List<String> orphans() throws IOException {
    List<String> names = new ArrayList<>();
    String filters =
        encoded("{\"dangling\": [\"true\"], \"label\": [\"com.docker.volume.anonymous\"]}");
    read("/volumes?filters=" + filters)
        .path("Volumes")
        .forEach(each -> names.add(each.path("Name").asText()));
    return names;
  }

  /** Image ids by reference; those without one under {@link #UNNAMED} and their id. */
  Map<String, String> references() throws IOException {
    Map<String, String> references = new TreeMap<>();
    for (JsonNode image : read("/images/json?all=1")) {
      String id = image.path("Id").asText();
      image.path("RepoTags").forEach(tag -> references.put(tag.asText(), id));
      if (image.path("RepoTags").isEmpty()) {
        references.put(UNNAMED + id, id);
      }
    }
    return references;
  }

  static JsonNode json(Http.Answer answer) {
    try {
      return JSON.readTree(answer.body());
    } catch (JsonProcessingException e) {
      throw new AssertionError("not JSON: " + answer.body(), e);
    }
  }

  static String encoded(String value) {
    return URLEncoder.encode(value, StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    http.close();
  }
}
