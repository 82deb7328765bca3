package io.gantry.itests.isolation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A container of Gantry may do and see what one of dockerd may, or less. {@code
 * world-differences.tsv} lists each difference with its reason; one that is not in it is a failure,
 * and so is a line of it that nothing matches. On another kind of host than the recording's only
 * what does not depend on the host is compared.
 */
@Tag("root")
class WorldTest {
  static final String RECORDED = "world-dockerd-26.tsv";
  private static final String DIFFERENCES = "world-differences.tsv";
  static final String HOST = "host";

  /** What the host's kernel, devices and limits, not the engine, decide. */
  private static final Pattern OF_HOST =
      Pattern.compile(
          ".*\t(dev|node|mount|rlimit|calls|sockets|path|attr|coredump_filter|forward)\\b.*"
              + "|(privileged|all_capabilities|host_.*)\t.*");

  /** A difference that is known. */
  private record Known(Pattern fact, Pattern ours, String reason) {}

  @Test
  void aContainerMayNoMoreThanOneOfDockerd() throws IOException {
    Map<String, String> theirs = new TreeMap<>();
    String host = "";
    for (var row : Rows.read(RECORDED)) {
      if (row.get(0).equals(HOST)) {
        host = row.get(1);
      } else {
        theirs.put(row.get(0) + "\t" + row.get(1), row.get(2));
      }
    }
    Map<String, String> ours;
    try (Instance instance = Instance.start()) {
      var engine = new Engine(instance.socket());
      engine.load(Image.tar());
      ours = new TreeMap<>(Probe.facts(engine));
    }
    if (!host.equals(Host.kind())) {
      theirs.keySet().removeIf(name -> OF_HOST.matcher(name).matches());
      ours.keySet().removeIf(name -> OF_HOST.matcher(name).matches());
    }
    assertEquals("", String.join("\n", problems(theirs, ours, host.equals(Host.kind()))));
  }

  private static List<String> problems(
      Map<String, String> theirs, Map<String, String> ours, boolean sameHost) {
    var known =
        Rows.read(DIFFERENCES).stream()
            .map(r -> new Known(fact(r), Pattern.compile(r.get(2)), r.get(3)))
            .toList();
    var met = new HashSet<Known>();
    var problems = new ArrayList<String>();
    var names = new TreeSet<>(theirs.keySet());
    names.addAll(ours.keySet());
    for (String name : names) {
      String dockerd = theirs.getOrDefault(name, "(as ordinary)");
      String gantry = ours.getOrDefault(name, "(as ordinary)");
      if (dockerd.equals(gantry)) {
        continue;
      }
      var why =
          known.stream()
              .filter(k -> k.fact.matcher(name).matches() && k.ours.matcher(gantry).matches())
              .findFirst();
      why.ifPresentOrElse(
          met::add,
          () -> problems.add(name + "\n  dockerd: " + dockerd + "\n  Gantry:  " + gantry));
    }
    if (sameHost) {
      known.stream()
          .filter(k -> !met.contains(k))
          .forEach(k -> problems.add("is listed and met nowhere: " + k.fact + " " + k.ours));
    }
    return problems;
  }

  private static Pattern fact(List<String> row) {
    return Pattern.compile("(?:" + row.get(0) + ")\t(?:" + row.get(1) + ")");
  }
}
