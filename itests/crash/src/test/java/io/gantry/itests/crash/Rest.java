package io.gantry.itests.crash;

import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/** An engine without containers and clients: whatever happened before, it holds nothing more. */
final class Rest {
  private Rest() {}

  /** Open descriptors of the engine by kind; class files and archives are opened when needed. */
  static Map<String, Integer> descriptors(Instance engine) {
    Map<String, Integer> kinds = new TreeMap<>(Belongings.descriptors(engine.engine().pid()));
    kinds.remove("file");
    return kinds;
  }

  /** Removes all containers and images and compares with the beginning. */
  static void after(Instance engine, Load load, Findings findings, Map<String, Integer> atRest)
      throws IOException {
    try (Api api = new Api(engine)) {
      for (String id : api.containers()) {
        expect(findings, "rm -f", api.delete("/containers/" + id + "?force=1").status(), 204);
      }
      for (var named : api.references().entrySet()) {
        if (named.getKey().startsWith(Api.UNNAMED)) {
          api.delete("/images/" + named.getValue()); // or it has gone with what was made of it
        } else {
          int status = api.delete("/images/" + named.getKey()).status();
          expect(findings, "rmi " + named.getKey(), status, 200);
        }
      }
      expect(findings, "images that stay", api.references().size(), 0);
    }
    Map<String, Integer> now = new TreeMap<>();
    try {
      Eventually.eventually(
          "descriptors",
          () -> {
            now.clear();
            now.putAll(descriptors(engine));
            return now.entrySet().stream()
                .allMatch(each -> each.getValue() <= atRest.getOrDefault(each.getKey(), 0));
          });
    } catch (AssertionError e) {
      findings.add(
          Findings.Kind.LEAK, "descriptors of the engine: " + atRest + " before, now " + now);
    }
    load.clients.forEach(client -> client.containers.clear());
    new Checks(engine, findings).leaks();
  }

  private static void expect(Findings findings, String what, int status, int wanted) {
    if (status != wanted) {
      findings.add(Findings.Kind.REFUSED, what + ": " + status);
    }
  }
}
