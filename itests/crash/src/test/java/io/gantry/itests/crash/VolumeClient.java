package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Http;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** The volumes of one client, by name: what was acknowledged and the step under way. */
final class VolumeClient {
  private static final int VOLUMES = 4;
  private static final String LABEL = "client";

  private final int number;
  private final Random random;
  private final Findings findings;

  /** Marks that were left there, with who had it mounted then. */
  private final Map<String, Map<Integer, String>> volumes = new TreeMap<>();

  private final Set<String> forgetful = new HashSet<>();

  /** Containers had them that go when they end. */
  private final Set<String> inPassing = ConcurrentHashMap.newKeySet();

  private String pending = "";
  private boolean pruned; // and nobody said what went
  private int made;
  private volatile int excused = Integer.MAX_VALUE; // from this status on

  VolumeClient(int number, Random random, Findings findings) {
    this.number = number;
    this.random = random;
    this.findings = findings;
  }

  void expectFailures(int lowest) {
    excused = lowest;
  }

  /** One of those that are there for sure, or an empty text. */
  String any() {
    if (volumes.isEmpty() || pruned) {
      return "";
    }
    String one = new ArrayList<>(volumes.keySet()).get(random.nextInt(volumes.size()));
    return one.equals(pending) ? "" : one;
  }

  void usedInPassing(String volume) {
    inPassing.add(volume);
  }

  /**
   * Somebody has written into it.
   *
   * @param through the container that has it, for the finding
   */
  void mark(String volume, int mark, String through) {
    if (!forgetful.contains(volume) && volumes.containsKey(volume)) {
      volumes.get(volume).put(mark, through);
    }
  }

  /** What was written there need not have reached the disk. */
  void powerWasCut() {
    volumes.values().forEach(Map::clear);
  }

  /**
   * @param used whether a container has a volume, or may have
   */
  void step(Api api, Predicate<String> used) throws IOException {
    if (!pending.isEmpty() || pruned) {
      return;
    }
    int dice = random.nextInt(10);
    if (dice == 0) {
      prune(api);
    } else if (volumes.isEmpty() || dice < 6 && volumes.size() < VOLUMES) {
      create(api);
    } else {
      remove(api, any(), used);
    }
  }

  private void create(Api api) throws IOException {
    pending = prefix() + made++;
    boolean memory = random.nextInt(4) == 0;
    String options = memory ? ", \"DriverOpts\": {\"type\": \"tmpfs\", \"device\": \"tmpfs\"}" : "";
    String body =
        "{\"Name\": \"%s\", \"Labels\": {\"%s\": \"%d\"}%s}"
            .formatted(pending, LABEL, number, options);
    if (memory) {
      forgetful.add(pending);
    }
    Http.Answer answer = api.post("/volumes/create", body);
    if (answer.status() == 201) {
      volumes.put(pending, new TreeMap<>());
      pending = "";
    } else {
      refused("create", answer);
    }
  }

  private void remove(Api api, String volume, Predicate<String> used) throws IOException {
    pending = volume;
    Http.Answer answer = api.delete("/volumes/" + volume);
    if (answer.status() == 204) {
      volumes.remove(volume);
      pending = "";
    } else if (answer.status() == 409 && (inPassing.contains(volume) || used.test(volume))) {
      pending = "";
    } else {
      refused("remove", answer);
    }
  }

  private void prune(Api api) throws IOException {
    pruned = true;
    String filters = Api.encoded("{\"label\": [\"%s=%d\"]}".formatted(LABEL, number));
    Http.Answer answer = api.post("/volumes/prune?filters=" + filters, "");
    if (answer.status() != 200) {
      refused("prune", answer);
      return;
    }
    for (JsonNode gone : Api.json(answer).path("VolumesDeleted")) {
      if (volumes.remove(gone.asText()) == null) {
        findings.add(Findings.Kind.STATE, "prune of client " + number + " took " + gone);
      }
    }
    pruned = false;
  }

  /** Compares with what the engine says; takes it for what is. */
  void settle(Map<String, JsonNode> all) {
    for (String name : List.copyOf(volumes.keySet())) {
      JsonNode seen = all.get(name);
      boolean goes = name.equals(pending) || pruned;
      if (seen == null && !goes) {
        findings.add(Findings.Kind.STATE, "volume " + name + " is gone");
      }
      if (seen == null) {
        volumes.remove(name);
      } else {
        marks(name, Path.of(seen.path("Mountpoint").asText()));
      }
    }
    all.forEach(
        (name, seen) -> {
          if (name.startsWith(prefix()) && !volumes.containsKey(name)) {
            met(name, seen);
          }
        });
    pending = "";
    pruned = false;
  }

  private void marks(String name, Path path) {
    volumes
        .get(name)
        .forEach(
            (mark, through) -> {
              if (!Files.exists(path.resolve("mark-" + mark))) {
                findings.add(
                    Findings.Kind.STATE,
                    "mark %d in volume %s, left through %s, is lost: in %s there are %s"
                        .formatted(
                            mark, name, through, path, Arrays.toString(path.toFile().list())));
              }
            });
  }

  private void met(String name, JsonNode seen) {
    boolean whole =
        seen.path("Labels").path(LABEL).asText().equals(Integer.toString(number))
            && seen.path("Options").has("type") == forgetful.contains(name);
    if (!name.equals(pending) || !whole) {
      findings.add(Findings.Kind.HALF, "nobody knows volume " + seen);
    }
    volumes.put(name, new TreeMap<>());
  }

  private void refused(String what, Http.Answer answer) {
    if (answer.status() >= excused) {
      return;
    }
    findings.add(
        Findings.Kind.REFUSED,
        what + " of volume " + pending + ": " + answer.status() + " " + answer.body().strip());
  }

  private String prefix() {
    return "crash-" + number + "-";
  }
}
