package io.gantry.itests.isolation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.isolation.Inputs.Answer;
import io.gantry.itests.isolation.Inputs.Input;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What is wrong with a request is said as dockerd says it, with its status, and nothing is left of
 * it. {@code inputs-differences.tsv} lists where Gantry answers otherwise, with the reason; what is
 * not in it is a failure, and so is a line of it that holds no longer.
 */
@Tag("root")
class InputsTest {
  static final String RECORDED = "inputs-dockerd-28.tsv";
  private static final String DIFFERENCES = "inputs-differences.tsv";

  /** What runc and containerd put before the reason proper. */
  private static final String RUNTIME =
      "^failed to create task for container: .*?runc create failed: "
          + "(unable to start container process: error during container init: )?";

  @Test
  void whatIsWrongIsSaidAsDockerdSaysItAndNothingIsLeft() throws IOException {
    Map<String, Answer> expected = byName(RECORDED);
    Map<String, List<String>> listed = new TreeMap<>();
    Rows.read(DIFFERENCES).forEach(row -> listed.put(row.get(0), row));
    var problems = new ArrayList<String>();
    try (Instance instance = Instance.start()) {
      var engine = new Engine(instance.socket(), "/v1.51");
      engine.load(Image.tar());
      String networks = names(engine, "/networks", "");
      Inputs.prepare(engine);
      for (Input input : Inputs.all()) {
        Answer answer = Inputs.ask(engine, input);
        compare(input.name(), expected.get(input.name()), answer, listed.get(input.name()))
            .forEach(problems::add);
      }
      Inputs.clear(engine);
      assertEquals(networks, names(engine, "/networks", ""));
      assertEquals("", names(engine, "/volumes", "Volumes"));
      assertEquals("[]", engine.call("GET", "/containers/json?all=1", "").body().strip());
      assertEquals(List.of(), instance.belongings().monitors().keySet().stream().toList());
      assertEquals(
          List.of(),
          instance.belongings().contained().values().stream()
              .filter(group -> group.matches("[0-9a-f]{64}"))
              .toList());
    }
    var unknown = new TreeSet<>(listed.keySet());
    Inputs.all().forEach(input -> unknown.remove(input.name()));
    unknown.forEach(name -> problems.add("no such input: " + name));
    assertEquals("", String.join("\n", problems));
  }

  private static String names(Engine engine, String path, String field) throws IOException {
    JsonNode answer = engine.json("GET", path, "");
    var names = new TreeSet<String>();
    (field.isEmpty() ? answer : answer.path(field))
        .forEach(o -> names.add(o.path("Name").asText()));
    return String.join(" ", names);
  }

  private static List<String> compare(
      String name, Answer theirs, Answer ours, List<String> listed) {
    if (theirs == null) {
      return List.of(name + ": not recorded");
    }
    if (listed == null) {
      return same(theirs, ours)
          ? List.of()
          : List.of(name + "\n  dockerd: " + theirs + "\n  Gantry:  " + ours);
    }
    if (same(theirs, ours)) {
      return List.of(name + ": is listed and no longer differs");
    }
    String said = status(ours) + " " + gist(ours);
    return said.equals(listed.get(1))
        ? List.of()
        : List.of(name + "\n  listed: " + listed.get(1) + "\n  Gantry: " + said);
  }

  /** Where it failed and why; where it did not, how it ended. */
  private static String gist(Answer answer) {
    if (answer.start().isEmpty()) {
      return reason(answer.said());
    }
    return answer.start().equals("204")
        ? "ends with " + answer.end() + (answer.said().equals("[]") ? "" : " " + answer.said())
        : "at start: " + reason(answer.why());
  }

  private static String status(Answer answer) {
    return answer.start().isEmpty() ? answer.create() : answer.start();
  }

  /** A client's mistake is one of 400 to 499, also where dockerd calls it its own. */
  private static boolean same(Answer theirs, Answer ours) {
    boolean status =
        status(theirs).equals(status(ours))
            || (status(theirs).equals("500") && status(ours).startsWith("4"));
    return status && gist(theirs).equals(gist(ours));
  }

  /** The reason proper: not who carried it, and not what Go calls the types it has in its code. */
  private static String reason(String sentence) {
    return sentence
        .replaceFirst(RUNTIME, "")
        .replaceFirst(": unknown$", "")
        .replaceFirst("(json: cannot unmarshal (?:number -?[\\d.]+|\\w+)) into .*", "$1");
  }

  private static Map<String, Answer> byName(String file) {
    Map<String, Answer> answers = new TreeMap<>();
    Rows.read(file).forEach(row -> answers.put(row.get(0), Answer.of(row)));
    return answers;
  }
}
