package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Compares what clients know with what the engine says and with what runs on the host. */
final class Checks {
  private static final Path FREEZERS = Path.of("/sys/fs/cgroup");

  private final Instance engine;
  private final Findings findings;
  private final Map<String, Integer> monitorAtRest;

  /** The engine answers, and no client talks to it. */
  Checks(Instance engine, Findings findings) throws IOException {
    this.engine = engine;
    this.findings = findings;
    try (Api api = new Api(engine)) {
      monitorAtRest = Rest.ofMonitor(engine, api);
    }
  }

  /** Everything acknowledged is there and nothing else; all clients must have stopped. */
  void settle(List<Client> clients) throws IOException {
    try (Api api = new Api(engine)) {
      Set<String> known = new HashSet<>();
      for (Client client : clients) {
        for (Tracked one : client.containers) {
          settle(api, one);
          known.add(one.id);
        }
      }
      for (String id : api.containers()) {
        if (!known.contains(id)) {
          findings.add(Findings.Kind.HALF, "nobody knows container " + api.inspect(id));
        }
      }
      Map<String, JsonNode> volumes = api.volumes();
      clients.forEach(client -> client.volumes.settle(volumes));
      orphans(api, clients);
      Map<String, String> references = new HashMap<>(api.references());
      clients.forEach(client -> client.images.settle(references));
      Set<String> parents = new HashSet<>(); // they stay without a name
      for (String id : new HashSet<>(references.values())) {
        parents.add(api.read("/images/" + id + "/json").path("Parent").asText());
      }
      references.keySet().stream()
          .filter(reference -> reference.startsWith(Api.UNNAMED))
          .filter(reference -> !parents.contains(references.get(reference)))
          .forEach(reference -> findings.add(Findings.Kind.HALF, "unnamed image " + reference));
    }
  }

  /** Volumes of containers that never came to be, or that were removed with them. */
  private void orphans(Api api, List<Client> clients) throws IOException {
    boolean mayBe = clients.stream().anyMatch(client -> client.leavesVolumes);
    for (String name : api.orphans()) {
      if (!mayBe) {
        findings.add(Findings.Kind.HALF, "volume " + name + " is nobody's");
      }
      api.delete("/volumes/" + name);
    }
    clients.forEach(client -> client.leavesVolumes = false);
  }

  private void settle(Api api, Tracked one) throws IOException {
    String ref = one.id.isEmpty() ? one.name : one.id;
    Seen seen = awaitSettled(api, one, ref);
    one.monitorKilled &= !hasItsMonitor(seen);
    boolean absent = one.phase == Phase.ABSENT && one.pending != Step.CREATE;
    if (absent && seen.phase() == Phase.EXITED && one.autoRemove) {
      Eventually.eventually(one.name + " goes by itself", () -> isAbsent(api, ref));
      seen = Seen.ABSENT;
    }
    findings.addAll(Findings.Kind.STATE, one.name, one.settle(seen));
    if (one.phase == Phase.ABSENT) {
      return;
    }
    if (!api.inspect(one.name).id().equals(one.id)) {
      findings.add(Findings.Kind.STATE, one.name + " is not found by its name");
    }
    if (seen.runs()) {
      checkProcess(one);
    } else {
      checkMarks(api, one);
    }
    if (one.phase != Phase.CREATED) {
      checkLog(api, one);
    }
  }

  /** An end is noticed on another thread: a moment may pass. */
  private Seen awaitSettled(Api api, Tracked one, String ref) throws IOException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    Seen seen = api.inspect(ref);
    while ((one.monitorKilled && seen.runs()
            || one.autoRemove && seen.phase() == Phase.EXITED
            || seen.phase() == Phase.REMOVING
            || seen.phase() == Phase.RUNNING && seen.began() == 0)
        && System.nanoTime() < deadline) {
      seen = api.inspect(ref);
    }
    return seen;
  }

  /** The one that was killed was that of a former run, just about to end. */
  private boolean hasItsMonitor(Seen seen) {
    Optional<ProcessHandle> init = seen.runs() ? ProcessHandle.of(seen.pid()) : Optional.empty();
    Optional<Long> monitor = init.flatMap(ProcessHandle::parent).map(ProcessHandle::pid);
    String key = seen.id().substring(0, Math.min(16, seen.id().length()));
    return monitor.isPresent() && monitor.get().equals(engine.belongings().monitors().get(key));
  }

  private static boolean isAbsent(Api api, String ref) {
    try {
      return api.inspect(ref).phase() == Phase.ABSENT;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void checkProcess(Tracked one) throws IOException {
    if (one.began == 0) {
      findings.add(Findings.Kind.STATE, one.name + " runs as " + one.pid + ", which is not there");
      return;
    }
    List<String> wrong = new ArrayList<>();
    boolean frozen = isFrozen(one.id);
    if (frozen != (one.phase == Phase.PAUSED)) {
      wrong.add("is " + one.phase + (frozen ? ", frozen" : ", thawed"));
    }
    for (int mark : one.marks) {
      if (!Files.exists(Path.of("/proc/" + one.pid + "/root/mark-" + mark))) {
        wrong.add("has lost mark " + mark + ", it is " + one.program);
      }
    }
    // A process that ends lets go of its root first, and waits for its children then.
    boolean stillThere =
        Files.exists(Path.of("/proc/" + one.pid + "/root/bin"))
            && Belongings.began(one.pid).orElse(0L) == one.began;
    if (one.program.endless() || stillThere) { // else it has ended by itself meanwhile
      findings.addAll(Findings.Kind.STATE, one.name, wrong);
    }
  }

  private void checkMarks(Api api, Tracked one) throws IOException {
    for (int mark : one.marks) {
      int status = api.head("/containers/" + one.id + "/archive?path=/mark-" + mark).status();
      if (status != 200) {
        findings.add(
            Findings.Kind.STATE, "mark " + mark + " in " + one.name + " is lost: " + status);
      }
    }
  }

  private boolean isFrozen(String id) throws IOException {
    String below = "gantry-" + engine.belongings().instance() + "/" + id;
    Path state = FREEZERS.resolve("freezer").resolve(below).resolve("freezer.state");
    if (Files.exists(state)) {
      return !Files.readString(state).strip().equals("THAWED");
    }
    for (Path group : engine.belongings().controlGroups()) {
      Path events = group.resolve("cgroup.events");
      if (group.endsWith(id) && Files.exists(events)) {
        return Files.readString(events).contains("frozen 1");
      }
    }
    return false;
  }

  private void checkLog(Api api, Tracked one) throws IOException {
    Integer exit = one.ended().orElse(null);
    List<String> log = api.log(one.id);
    findings.addAll(Findings.Kind.LOG, one.name, longer(one.log, log));
    if ((exit != null || one.program.endless()) // another may end between the two looks
        && !one.strayLines) {
      findings.addAll(Findings.Kind.LOG, one.name, one.program.complaints(log, exit));
    }
    one.log = log;
  }

  /** A log only ever grows at its end. */
  static List<String> longer(List<String> before, List<String> now) {
    if (now.size() < before.size()) {
      return List.of(before.size() + " lines were there, now " + now.size());
    }
    if (!now.subList(0, before.size()).equals(before)) {
      return List.of("lines that were there have changed");
    }
    return List.of();
  }

  /** Images are what they were: a container of each reads what makes it unique. */
  void contents(List<Client> clients) throws IOException {
    try (Api api = new Api(engine)) {
      for (Client client : clients) {
        for (Map.Entry<String, String> each : client.images.contents().entrySet()) {
          String found = run(api, each.getKey());
          if (!found.equals(each.getValue())) {
            findings.add(
                Findings.Kind.STATE,
                each.getKey() + " holds " + found + ", not " + each.getValue());
          }
        }
      }
    }
  }

  private static String run(Api api, String reference) throws IOException {
    String body =
        """
        {"Image": "%s", "Cmd": ["cat", "/unique"], "HostConfig": {"NetworkMode": "none"}}
        """
            .formatted(reference);
    Http.Answer created = api.post("/containers/create", body);
    if (created.status() != 201) {
      return created.body();
    }
    String id = Api.json(created).path("Id").asText();
    Http.Answer started = api.post("/containers/" + id + "/start", "");
    String text = started.body();
    if (started.status() == 204) {
      Http.Answer ended = api.post("/containers/" + id + "/wait", "");
      text = String.join("\n", api.log(id)) + (ended.status() == 200 ? "" : ended.body());
    }
    api.delete("/containers/" + id);
    return text;
  }

  /** Nothing is on the host that no record explains; given a moment to go. */
  void leaks() throws IOException {
    try (Api api = new Api(engine)) {
      List<String> leaks = new ArrayList<>();
      try {
        Eventually.within(
            Duration.ofSeconds(20), // each planted leak costs as long
            "no leak",
            () -> {
              leaks.clear();
              leaks.addAll(Leaks.of(engine, api, monitorAtRest));
              return leaks.isEmpty();
            });
      } catch (AssertionError e) {
        if (leaks.isEmpty()) {
          throw e;
        }
        findings.addAll(Findings.Kind.LEAK, "host", leaks);
      }
    }
  }
}
