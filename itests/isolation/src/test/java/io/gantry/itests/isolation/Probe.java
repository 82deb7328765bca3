package io.gantry.itests.isolation;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Runs the program that tells what it may do and see, in containers made in twenty ways. */
final class Probe {
  private static final String ORDINARY = "ordinary";

  private Probe() {}

  /** The ways, as bodies of create, by name. */
  static Map<String, String> ways() throws IOException {
    var ways = new LinkedHashMap<String, String>();
    var stream = Objects.requireNonNull(Probe.class.getResourceAsStream("ways.jsonl"));
    try (var lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonNode node = Engine.JSON.readTree(line);
        ways.put(node.path("name").asText(), node.path("body").toString());
      }
    }
    return ways;
  }

  /**
   * Facts by way and name: all of an ordinary container's, of the others those that differ from
   * them.
   */
  static Map<String, String> facts(Engine engine) throws IOException {
    var facts = new TreeMap<String, String>();
    Map<String, String> ordinary = Map.of();
    for (var way : ways().entrySet()) {
      Map<String, String> found = run(engine, way.getValue());
      if (way.getKey().equals(ORDINARY)) {
        ordinary = found;
        found.forEach((name, words) -> facts.put(ORDINARY + "\t" + name, words));
        continue;
      }
      var names = new TreeMap<>(ordinary);
      names.putAll(found);
      for (String name : names.keySet()) {
        String words = found.getOrDefault(name, "(none)");
        if (!words.equals(ordinary.getOrDefault(name, "(none)"))) {
          facts.put(way.getKey() + "\t" + name, words);
        }
      }
    }
    return facts;
  }

  static Map<String, String> run(Engine engine, String body) throws IOException {
    var made = engine.json("POST", "/containers/create", body);
    String id = made.path("Id").asText();
    if (id.isEmpty()) {
      throw new AssertionError("not made: " + made + " of " + body);
    }
    try {
      var started = engine.call("POST", "/containers/" + id + "/start", "");
      if (started.status() != 204) {
        throw new AssertionError("not started: " + started + " of " + body);
      }
      engine.call("POST", "/containers/" + id + "/wait", "");
      return parse(engine.output(id).replace(id, "ID").replace(id.substring(0, 12), "SHORT"));
    } finally {
      engine.remove(id);
    }
  }

  private static Map<String, String> parse(String output) {
    var facts = new TreeMap<String, String>();
    for (String line : output.lines().toList()) {
      int tab = line.indexOf('\t');
      if (tab > 0) {
        String name = line.substring(0, tab);
        String words = Rows.flat(line.substring(tab + 1).strip());
        boolean elsewhere = name.equals("status.PPid") && !words.equals("0");
        facts.put(Rows.flat(name), elsewhere ? "outside" : words);
      }
    }
    if (!facts.containsKey("calls.EPERM")) { // its last line
      throw new AssertionError("the probe did not come to its end: " + output);
    }
    return facts;
  }
}
