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

  /** A request as it is sent. */
  record Input(String name, String body) {}

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
    var stream = Objects.requireNonNull(Inputs.class.getResourceAsStream("inputs.jsonl"));
    try (var lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonNode node = Engine.JSON.readTree(line);
        all.add(new Input(node.path("name").asText(), node.path("body").toString()));
      }
    }
    return all;
  }

  static Answer ask(Engine engine, Input input) throws IOException {
    var made = engine.call("POST", "/containers/create", input.body());
    JsonNode body = Engine.JSON.readTree(made.body());
    if (made.status() != 201) {
      return new Answer(status(made), sentence(body), "", "", "");
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

  private static String status(Http.Answer answer) {
    return Integer.toString(answer.status());
  }

  /** Without what differs from run to run. */
  private static String sentence(JsonNode body) {
    return Rows.flat(body.path("message").asText().replaceAll("\\b[0-9a-f]{64}\\b", "ID"));
  }
}
