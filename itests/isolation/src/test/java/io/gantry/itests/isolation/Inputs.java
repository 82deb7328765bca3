package io.gantry.itests.isolation;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Http;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Requests that are wrong in one field, or on its edge, and what an engine says to each. */
final class Inputs {
  private static final String CREATE = "/containers/create";
  private static final String NETWORKS = "/networks/create";
  private static final String VOLUMES = "/volumes/create";
  private static final String CONTAINER = "inputs-base";
  private static final List<String> OWN_NETWORKS = List.of("inputs-first", "inputs-net");
  private static final String OWN_VOLUME = "inputs-vol";

  /** A request as it is sent: a POST. */
  record Input(String name, String path, String body) {
    boolean makesContainer() {
      return path.startsWith(CREATE);
    }
  }

  /**
   * What came of it.
   *
   * @param create status and sentence; the warnings where it was made
   * @param start status and sentence; empty where nothing was made
   * @param end how the container ended, where it ran
   */
  record Answer(String create, String said, String start, String why, String end) {

    List<String> row(String name) {
      return List.of(name, create, said, start, why, end);
    }

    static Answer of(List<String> row) {
      return new Answer(row.get(1), row.get(2), row.get(3), row.get(4), row.get(5));
    }
  }

  private Inputs() {}

  static List<Input> all() throws IOException {
    var all = new ArrayList<Input>();
    for (String file : List.of("inputs.jsonl", "further.jsonl")) {
      var stream = Objects.requireNonNull(Inputs.class.getResourceAsStream(file));
      try (var lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          all.add(input(Engine.JSON.readTree(line)));
        }
      }
    }
    return all;
  }

  private static Input input(JsonNode line) {
    return new Input(
        line.path("name").asText(),
        line.path("path").asText(CREATE),
        line.has("body") ? line.get("body").toString() : "");
  }

  /** What requests name as being there. */
  static void prepare(Engine engine) throws IOException {
    int subnet = 7;
    for (String network : OWN_NETWORKS) {
      String pool = "{\"Subnet\":\"10.213.%d.0/24\"}".formatted(subnet++);
      must(
          engine.call(
              "POST",
              NETWORKS,
              "{\"Name\":\"%s\",\"IPAM\":{\"Config\":[%s]}}".formatted(network, pool)));
    }
    must(engine.call("POST", VOLUMES, "{\"Name\":\"%s\"}".formatted(OWN_VOLUME)));
    must(
        engine.call(
            "POST",
            CREATE + "?name=" + CONTAINER,
            "{\"Image\":\"%s\",\"Cmd\":[\"true\"],\"HostConfig\":{\"NetworkMode\":\"%s\"}}"
                .formatted(Engine.IMAGE, OWN_NETWORKS.get(0))));
  }

  static void clear(Engine engine) throws IOException {
    engine.remove(CONTAINER);
    for (String network : OWN_NETWORKS) {
      must(engine.call("DELETE", "/networks/" + network, ""));
    }
    must(engine.call("DELETE", "/volumes/" + OWN_VOLUME, ""));
  }

  private static void must(Http.Answer answer) {
    if (answer.status() >= 300) {
      throw new AssertionError(answer.toString());
    }
  }

  static Answer ask(Engine engine, Input input) throws IOException {
    var made = engine.call("POST", input.path(), input.body());
    JsonNode body = Engine.JSON.readTree(made.body());
    if (made.status() >= 300) {
      return new Answer(status(made), sentence(body), "", "", "");
    }
    if (!input.makesContainer()) {
      takeBack(engine, input.path(), body);
      return new Answer(status(made), "", "", "", "");
    }
    String id = body.path("Id").asText();
    try {
      var started = engine.call("POST", "/containers/" + id + "/start", "");
      if (started.status() != 204) {
        String why = sentence(Engine.JSON.readTree(started.body()));
        return new Answer("201", body.path("Warnings").toString(), status(started), why, "");
      }
      String end =
          engine.json("POST", "/containers/" + id + "/wait", "").path("StatusCode").asText();
      return new Answer("201", body.path("Warnings").toString(), "204", "", end);
    } finally {
      engine.remove(id);
    }
  }

  private static void takeBack(Engine engine, String path, JsonNode made) throws IOException {
    if (path.equals(NETWORKS)) {
      must(engine.call("DELETE", "/networks/" + made.path("Id").asText(), ""));
    } else if (path.equals(VOLUMES)) {
      String name = made.path("Name").asText();
      if (!name.equals(OWN_VOLUME)) {
        must(engine.call("DELETE", "/volumes/" + name, ""));
      }
    } else if (path.endsWith("/connect")) {
      String of = "{\"Container\":\"%s\",\"Force\":true}".formatted(CONTAINER);
      must(engine.call("POST", path.replace("/connect", "/disconnect"), of));
    } else if (path.startsWith("/containers/" + CONTAINER + "/rename")) {
      must(engine.call("POST", "/containers/a/rename?name=" + CONTAINER, ""));
    }
  }

  private static String status(Http.Answer answer) {
    return Integer.toString(answer.status());
  }

  /** Without what differs from run to run. */
  private static String sentence(JsonNode body) {
    String said = body.path("message").asText().replaceAll("\\b[0-9a-f]{64}\\b", "ID");
    return Rows.flat(
        said.replaceAll("\\bveth[0-9a-f]{7}\\b", "VETH")
            .replaceAll(" endpoint [a-z]+_[a-z]+ ", " endpoint NAME ")
            .replaceAll("/tmp/gy\\d+/", "DIR/")
            .replaceAll("\\bgantry-[0-9a-f]{8}\\b", "INSTANCE")
            .replaceAll("\\bgy[0-9a-f]{11}\\b", "LINK"));
  }
}
