package io.gantry.itests.isolation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Namespace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * As {@link InputsTest}, of networks, endpoints and ports: subnets that overlap, addresses and
 * ports that are taken, wrong families, unknown options, names and networks in use. The steps
 * belong together; in the end nothing is left of them.
 */
@Tag("root")
@Timeout(600)
class NetworkInputsTest {
  private static final String STEPS = "networks.tsv";
  private static final String RECORDED = "networks-dockerd-28.tsv";
  private static final String DIFFERENCES = "networks-differences.tsv";
  private static final String NOT_COMPARED = "-";
  private static final int OK = 299;

  @Test
  void whatIsWrongIsSaidAsDockerdSaysItAndNothingIsLeft() throws Exception {
    var theirs = byName(RECORDED);
    var listed = byName(DIFFERENCES);
    var unknown = new TreeSet<>(listed.keySet());
    var problems = new ArrayList<String>();
    try (var host = Namespace.make();
        var instance = Instance.startIn(host)) {
      instance.importBusybox();
      var other = occupy(host);
      try {
        var engine = new Engine(instance.socket(), "");
        String before = host.run("ip", "-br", "link").ok();
        for (var step : Rows.read(STEPS)) {
          String name = step.get(0);
          String ours = ask(engine, step.get(1), step.get(2));
          if (!name.equals(NOT_COMPARED)) {
            unknown.remove(name);
            compare(name, theirs.get(name), ours, listed.get(name), problems);
          }
        }
        assertEquals("[]", engine.call("GET", "/containers/json?all=1", "").body().strip());
        assertEquals(3, Engine.JSON.readTree(engine.call("GET", "/networks", "").body()).size());
        assertEquals(before, host.run("ip", "-br", "link").ok());
      } finally {
        other.destroyForcibly().waitFor();
      }
    }
    unknown.forEach(name -> problems.add("no such step: " + name));
    assertEquals("", String.join("\n", problems));
  }

  /** Another program has a port. */
  private static Process occupy(Namespace host) throws IOException {
    var words = new ArrayList<>(host.prefix());
    words.addAll(List.of("busybox", "nc", "-l", "-p", "18099"));
    var other = new ProcessBuilder(words).start();
    host.run(
            "sh",
            "-c",
            "until grep -q ' [0-9A-F]*:46B3 .* 0A ' /proc/net/tcp /proc/net/tcp6; do :; done")
        .ok();
    return other;
  }

  private static Map<String, List<String>> byName(String file) {
    var rows = new TreeMap<String, List<String>>();
    Rows.read(file).forEach(row -> rows.put(row.get(0), row));
    return rows;
  }

  /** Status and message, without what is another one each time. */
  private static String ask(Engine engine, String call, String body) throws IOException {
    int space = call.indexOf(' ');
    var answer = engine.call(call.substring(0, space), call.substring(space + 1), body);
    String message =
        answer.status() <= OK
            ? "(ok)"
            : Engine.JSON.readTree(answer.body()).path("message").asText();
    return answer.status()
        + "\t"
        + Rows.flat(message)
            .replaceAll("\\b[0-9a-f]{64}\\b", "ID")
            .replaceAll("\\b[0-9a-f]{12}\\b", "SHORT")
            .replaceAll("10\\.214\\.\\d+\\.", "10.214.N.")
            .replaceAll("fd00:214:(\\d+:)?:", "fd00:214:N::");
  }

  private static void compare(
      String name, List<String> recorded, String ours, List<String> listed, List<String> problems) {
    String theirs = recorded.get(1) + "\t" + recorded.get(2);
    if (listed == null) {
      if (!ours.equals(theirs)) {
        problems.add(name + "\n  dockerd: " + theirs + "\n  Gantry:  " + ours);
      }
    } else if (ours.equals(theirs)) {
      problems.add(name + ": is listed and no longer differs");
    } else if (!ours.equals(listed.get(1) + "\t" + listed.get(2))) {
      problems.add(name + "\n  listed: " + listed + "\n  Gantry: " + ours);
    }
  }
}
