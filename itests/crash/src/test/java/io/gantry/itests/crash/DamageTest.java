package io.gantry.itests.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Namespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Record files of a populated data root are damaged while no engine runs: the next one starts, says
 * which, and loses at most the object that the record is about. {@code -Dcrash.damages=40} damages
 * one file per start; without it a few that have nothing to do with each other share one.
 */
@Tag("root")
class DamageTest {
  private static final int TOGETHER = 4;
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String SPARE = "spare";

  private final long seed = Long.getLong("crash.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final Findings findings = new Findings();

  /** The kind that begins. */
  private final int first = random.nextInt(100);

  /** What clients see of everything that there is: one line per object. */
  private record Inventory(
      Map<String, String> containers,
      Map<String, String> references,
      Map<String, String> volumes,
      Map<String, String> networks) {

    static Inventory of(Instance engine) throws IOException {
      try (Api api = new Api(engine)) {
        Map<String, String> volumes = new TreeMap<>();
        api.volumes().forEach((name, each) -> volumes.put(name, each.toString()));
        Map<String, String> networks = new TreeMap<>();
        for (JsonNode each : api.networks().values()) {
          networks.put(
              each.path("Id").asText(), each.path("Name").asText() + " " + each.path("IPAM"));
        }
        Map<String, String> containers = new TreeMap<>();
        for (JsonNode each : api.read("/containers/json?all=1")) {
          String id = each.path("Id").asText();
          containers.put(id, api.inspect(id) + " named " + each.path("Names").get(0).asText());
        }
        return new Inventory(containers, new TreeMap<>(api.references()), volumes, networks);
      }
    }
  }

  @Test
  void atMostTheObjectWhoseRecordIsDamagedIsLost() throws Exception {
    int damages = Integer.getInteger("crash.damages", TOGETHER);
    int together = Integer.getInteger("crash.damages") == null ? TOGETHER : 1;
    try (Namespace space = Namespace.make(Wire.ADDRESS);
        Instance engine = Instance.startIn(space)) {
      populate(engine);
      Inventory before = Inventory.of(engine);
      List<RecordFile> files = RecordFile.allOf(engine.dataRoot(), imagesByLayer(engine));
      engine.stop();
      Path pristine = engine.scratch().resolve("pristine");
      copy(engine.dataRoot(), pristine);
      for (int done = 0; done < damages; done += together) {
        List<RecordFile> chosen = choose(files, together, first + done);
        Map<RecordFile, Damage> made = new TreeMap<>();
        for (RecordFile file : chosen) {
          made.put(file, Damage.values()[(done + made.size()) % Damage.values().length]);
        }
        findings.context("damage %d, seed %d: %s".formatted(done + 1, seed, made));
        damageAndLook(engine, before, made);
        engine.stop();
        Command.run(Map.of(), LIMIT, List.of("rm", "-rf", engine.dataRoot().toString())).ok();
        copy(pristine, engine.dataRoot());
      }
      engine.startAgain();
    }
    System.out.printf("crash: DAMAGE   %3d files, seed %d: %s%n", damages, seed, findings.table());
    assertEquals(List.of(), findings.all());
  }

  /**
   * Containers that have ended or never ran, some with volumes or in networks, two images of their
   * own layers, an updated driver.
   */
  private static void populate(Instance engine) throws IOException {
    engine.importBusybox();
    engine.docker("tag", "busybox", "busybox:other").ok();
    for (int i = 0; i < 3; i++) {
      String number = Integer.toString(i);
      engine.docker("volume", "create", "--label", "number=" + number, "volume-" + i).ok();
      engine.docker("network", "create", "--label", "number=" + number, "network-" + i).ok();
      List<String> create = new ArrayList<>(List.of("create", "--name", "created-" + i));
      if (i == 0) { // of the others nobody has anything
        create.addAll(List.of("-v", "volume-0:/volume", "--network", "network-0"));
      }
      create.addAll(List.of("busybox", "true"));
      engine.docker(create.toArray(String[]::new)).ok();
      Command run =
          engine.docker(
              "run", "--name", "ended-" + i, "--net=none", "busybox", "sh", "-c", "exit 7");
      assertEquals(7, run.exit(), run.err());
    }
    for (int i = 0; i < 2; i++) {
      Path root = Files.createDirectory(engine.scratch().resolve(SPARE + i));
      Files.writeString(root.resolve("which"), SPARE + i);
      Path tar = engine.scratch().resolve(SPARE + i + ".tar");
      List<String> pack = List.of("tar", "-C", root.toString(), "-cf", tar.toString(), ".");
      Command.run(Map.of(), LIMIT, pack).ok();
      engine.docker("import", tar.toString(), SPARE + ":" + i).ok();
    }
    try (Http http = engine.http()) {
      String body = "{\"jar\": \"%s\"}".formatted(Instance.sample("io.gantry.exec.namespaces"));
      Http.Answer answer =
          http.call("POST", "/gantry/v1/drivers/ExecDriver/namespaces/update", body);
      assertEquals(200, answer.status(), answer.body());
    }
  }

  /** Every image here has one layer, whose chain id is its diff id. */
  private static Map<String, String> imagesByLayer(Instance engine) throws IOException {
    Map<String, String> images = new TreeMap<>();
    try (Api api = new Api(engine)) {
      for (String id : new HashSet<>(api.references().values())) {
        String diff = api.read("/images/" + id + "/json").at("/RootFS/Layers/0").asText();
        images.put(diff.substring(diff.indexOf(':') + 1), id);
      }
    }
    return images;
  }

  /** Kinds take turns; files that are about one object are never chosen together. */
  private List<RecordFile> choose(List<RecordFile> files, int count, int turn) {
    List<String> kinds = files.stream().map(RecordFile::kind).distinct().sorted().toList();
    List<RecordFile> shuffled = new ArrayList<>(files);
    Collections.shuffle(shuffled, random);
    List<RecordFile> chosen = new ArrayList<>();
    Set<String> objects = new HashSet<>();
    for (int i = 0; chosen.size() < count && i < kinds.size(); i++) {
      String kind = kinds.get((turn + i) % kinds.size());
      shuffled.stream()
          .filter(file -> file.kind().equals(kind) && objects.add(file.object()))
          .findFirst()
          .ifPresent(chosen::add);
    }
    return chosen;
  }

  private void damageAndLook(Instance engine, Inventory before, Map<RecordFile, Damage> made)
      throws IOException {
    Path canary = Files.writeString(engine.scratch().resolve("canary"), "untouched");
    for (Map.Entry<RecordFile, Damage> each : made.entrySet()) {
      each.getValue().to(each.getKey().path(), canary, random);
    }
    int said = engine.log().length();
    try {
      engine.startAgain();
    } catch (AssertionError e) {
      findings.add(Findings.Kind.STATE, "the engine does not start: " + e.getMessage());
      made.keySet().forEach(file -> Damage.remove(file.path()));
      engine.startAgain();
      return;
    }
    Inventory now = Inventory.of(engine);
    compare("container", before.containers(), now.containers(), made.keySet());
    compare("reference", before.references(), now.references(), made.keySet());
    compare("volume", before.volumes(), now.volumes(), made.keySet());
    compare("network", before.networks(), now.networks(), made.keySet());
    String log = engine.log().substring(said);
    made.forEach(
        (file, damage) -> {
          if (damage != Damage.DELETED && !log.contains(file.named())) {
            findings.add(Findings.Kind.STATE, file + " (" + damage + ") is not named in the log");
          }
        });
    assertEquals("untouched", Files.readString(canary));
    assertFalse(log.contains("java.lang."), "no failure that nobody thought of:\n" + log);
  }

  private void compare(
      String what, Map<String, String> before, Map<String, String> now, Set<RecordFile> damaged) {
    before.forEach(
        (name, line) -> {
          String seen = now.get(name);
          boolean own = damaged.stream().anyMatch(file -> file.isAbout(name + " " + line));
          if (!line.equals(seen) && !own) {
            findings.add(
                Findings.Kind.STATE, "%s %s was %s, now %s".formatted(what, name, line, seen));
          }
        });
    now.forEach(
        (name, line) -> {
          boolean own = damaged.stream().anyMatch(file -> file.isAbout(name + " " + line));
          // The image of a name that is lost.
          boolean left = name.startsWith(Api.UNNAMED) && before.containsValue(line);
          if (!before.containsKey(name) && !own && !left) {
            findings.add(Findings.Kind.HALF, "nobody knows %s %s, %s".formatted(what, name, line));
          }
        });
  }

  private static void copy(Path from, Path to) {
    Command.run(Map.of(), LIMIT, List.of("cp", "-a", from.toString(), to.toString())).ok();
  }
}
