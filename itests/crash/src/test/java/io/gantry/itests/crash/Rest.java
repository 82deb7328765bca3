package io.gantry.itests.crash;

import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.TreeMap;

/** An engine without containers and clients: whatever happened before, it holds nothing more. */
final class Rest {
  private Rest() {}

  /**
   * Open descriptors of the engine by kind; of files those of its own, since class files and
   * archives are opened when needed.
   */
  static Map<String, Integer> descriptors(Instance engine) {
    long pid = engine.engine().pid();
    Map<String, Integer> kinds = new TreeMap<>(Belongings.descriptors(pid));
    kinds.put("file", engine.belongings().openFiles(pid).size());
    return kinds;
  }

  /** Open descriptors of the monitor of a container that has done what it is asked, by kind. */
  static Map<String, Integer> ofMonitor(Instance engine, Api api) throws IOException {
    return ofMonitor(engine, api, "\"NetworkMode\": \"none\"");
  }

  /** The same of one in a network, with a port. */
  static Map<String, Integer> ofWiredMonitor(Instance engine, Api api) throws IOException {
    api.post("/networks/create", "{\"Name\": \"rest\"}");
    try {
      return ofMonitor(
          engine,
          api,
          "\"NetworkMode\": \"rest\", \"PortBindings\": {\"80/tcp\": [{\"HostPort\": \"\"}]}");
    } finally {
      api.delete("/networks/rest");
    }
  }

  private static Map<String, Integer> ofMonitor(Instance engine, Api api, String host)
      throws IOException {
    String body =
        """
        {"Image": "%s", "Cmd": ["sleep", "1000"], "ExposedPorts": {"80/tcp": {}}, "HostConfig": {%s}}
        """
            .formatted(Client.IMAGE, host);
    String id = Api.json(api.post("/containers/create", body)).path("Id").asText();
    try {
      int status = api.post("/containers/" + id + "/start", "").status();
      if (status != 204) {
        throw new AssertionError("start: " + status);
      }
      body = "{\"Cmd\": [\"true\"]}"; // the first leaves what later ones share
      String exec = Api.json(api.post("/containers/" + id + "/exec", body)).path("Id").asText();
      api.post("/exec/" + exec + "/start", "{\"Detach\": true}");
      Eventually.eventually("the exec ends", () -> !running(api, "/exec/" + exec + "/json"));
      return Belongings.descriptors(engine.belongings().monitors().get(id.substring(0, 16)));
    } finally {
      api.delete("/containers/" + id + "?force=1");
    }
  }

  private static boolean running(Api api, String path) {
    try {
      return api.read(path).path("Running").asBoolean();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static boolean isWithin(Map<String, Integer> open, Map<String, Integer> limit) {
    return open.entrySet().stream()
        .allMatch(each -> each.getValue() <= limit.getOrDefault(each.getKey(), 0));
  }

  /** Removes all containers and images and compares with the beginning. */
  static void after(
      Instance engine, Load load, Checks checks, Findings findings, Map<String, Integer> atRest)
      throws IOException {
    try (Api api = new Api(engine)) {
      for (String id : api.containers()) {
        expect(findings, "rm -f", api.delete("/containers/" + id + "?force=1").status(), 204);
      }
      for (String network : api.networks().keySet()) {
        expect(findings, "network rm", api.delete("/networks/" + network).status(), 204);
      }
      expect(findings, "volume prune", api.post("/volumes/prune", "").status(), 200);
      expect(findings, "volumes that stay", api.volumes().size(), 0);
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
            return isWithin(now, atRest);
          });
    } catch (AssertionError e) {
      findings.add(
          Findings.Kind.LEAK, "descriptors of the engine: " + atRest + " before, now " + now);
    }
    load.clients.forEach(client -> client.containers.clear());
    checks.leaks();
  }

  private static void expect(Findings findings, String what, int status, int wanted) {
    if (status != wanted) {
      findings.add(Findings.Kind.REFUSED, what + ": " + status);
    }
  }
}
