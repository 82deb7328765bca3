package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** Compares what clients know with what the engine says and with what runs on the host. */
final class Checks {
  private static final long REMOVAL_NANOS = Duration.ofSeconds(10).toNanos();

  private final Instance engine;
  private final Findings findings;
  private final Load load;
  private final Map<String, Integer> monitorAtRest;
  private final Map<String, Integer> wiredAtRest;

  /** The engine answers, and no client talks to it. */
  Checks(Instance engine, Load load, Findings findings) throws IOException {
    this.engine = engine;
    this.load = load;
    this.findings = findings;
    try (Api api = new Api(engine)) {
      monitorAtRest = Rest.ofMonitor(engine, api);
      wiredAtRest = engine.space().isOwn() ? Rest.ofWiredMonitor(engine, api) : monitorAtRest;
    }
  }

  /** Everything acknowledged is there and nothing else; all clients must have stopped. */
  void settle() throws IOException {
    List<Client> clients = load.clients;
    boolean powerWasCut = clients.stream().anyMatch(Checks::powerWasCut);
    try (Api api = new Api(engine)) {
      Set<String> known = new HashSet<>();
      for (Client client : clients) {
        for (Tracked one : client.containers) {
          settle(api, one);
          known.add(one.id);
        }
      }
      inspect(api, clients, powerWasCut);
      for (String id : api.containers()) {
        if (!known.contains(id)) {
          findings.add(Findings.Kind.HALF, "nobody knows container " + api.inspect(id));
        }
      }
      Map<String, JsonNode> volumes = api.volumes();
      clients.forEach(client -> client.volumes.settle(volumes));
      Map<String, JsonNode> networks = api.networks();
      clients.forEach(client -> client.networks.settle(networks));
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

  private static boolean powerWasCut(Client client) {
    return client.containers.stream().anyMatch(one -> one.afterPowerCut);
  }

  /** Once all states are known, since some containers lead to others. */
  private void inspect(Api api, List<Client> clients, boolean powerWasCut) throws IOException {
    Inspection inspection = new Inspection(engine, findings, load.syslog);
    for (Client client : clients) {
      client.session.api = api;
      client.expectFailures(Integer.MAX_VALUE);
      for (Tracked one : client.containers) {
        if (one.phase != Phase.ABSENT) {
          inspection.of(client.session, one, powerWasCut);
        }
      }
    }
  }

  /** What the new engine tells of the time since the former one died. */
  void history(Instant death) throws IOException {
    try (Api api = new Api(engine)) {
      for (Client client : load.clients) {
        client.session.api = api;
        new History(client.session, death).check(client.containers);
      }
    }
  }

  /** Volumes of containers that never came to be, or that were removed with them. */
  private void orphans(Api api, List<Client> clients) throws IOException {
    boolean mayBe = clients.stream().anyMatch(client -> client.leavesVolumes);
    for (String name : api.orphans()) {
      if (!mayBe && !goes(api, name)) {
        findings.add(Findings.Kind.HALF, "volume " + name + " is nobody's");
      }
      api.delete("/volumes/" + name);
    }
    clients.forEach(client -> client.leavesVolumes = false);
  }

  /** That of a container which removes itself: it goes last, and soon. */
  private static boolean goes(Api api, String volume) throws IOException {
    long deadline = System.nanoTime() + REMOVAL_NANOS;
    boolean there = true;
    while (there && System.nanoTime() < deadline) {
      LockSupport.parkNanos(20_000_000);
      there = api.orphans().contains(volume);
    }
    return !there;
  }

  private void settle(Api api, Tracked one) throws IOException {
    String ref = one.id.isEmpty() ? one.name : one.id;
    Seen seen = awaitSettled(api, one, ref);
    boolean otherRun = !one.policy.never() && seen.began() != one.began;
    one.monitorKilled &= otherRun || !hasItsMonitor(seen);
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
  }

  /** An end is noticed on another thread: a moment may pass. */
  private Seen awaitSettled(Api api, Tracked one, String ref) throws IOException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    Seen seen = api.inspect(ref);
    while ((one.monitorKilled && seen.runs() && !hasItsMonitor(seen)
            || one.autoRemove && seen.phase() == Phase.EXITED
            || seen.phase() == Phase.REMOVING
            || Allowed.hasToRun(one) && !isUp(seen)
            || seen.phase() == Phase.RUNNING && seen.began() == 0)
        && System.nanoTime() < deadline) {
      seen = api.inspect(ref);
    }
    return seen;
  }

  private static boolean isUp(Seen seen) {
    return seen.runs() || seen.phase() == Phase.RESTARTING;
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

  /** Images are what they were: a container of each reads what makes it unique. */
  void contents() throws IOException {
    try (Api api = new Api(engine)) {
      for (Client client : load.clients) {
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

  /** Those whose monitors have more open than at rest: a check that hangs, a limit to watch. */
  private Set<String> busy() {
    Set<String> busy = new HashSet<>();
    for (Client client : load.clients) {
      client.containers.stream()
          .filter(Tracked::keepsItsMonitorBusy)
          .forEach(one -> busy.add(one.id));
    }
    return busy;
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
              leaks.addAll(Leaks.of(engine, api, monitorAtRest, wiredAtRest, busy()));
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
