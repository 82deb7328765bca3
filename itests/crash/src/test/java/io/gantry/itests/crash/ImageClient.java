package io.gantry.itests.crash;

import io.gantry.itests.harness.Http;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** The images of one client, by reference: what was acknowledged and the step under way. */
final class ImageClient {
  private static final int REFERENCES = 4;
  private static final String LABEL = "crash";
  private static byte[] base = {};

  private final int number;
  private final Random random;
  private final Findings findings;
  private final Map<String, String> ids = new TreeMap<>();
  private String pending = "";
  private boolean pruned; // and nobody said what went
  private String pendingId = "";
  private final Map<String, String> contents = new HashMap<>();
  private int made;
  private volatile int excused = Integer.MAX_VALUE; // from this status on

  ImageClient(int number, Random random, Findings findings) {
    this.number = number;
    this.random = random;
    this.findings = findings;
  }

  /** A root file system that images are made of. */
  static void base(byte[] tar) {
    base = Tar.open(tar);
  }

  void expectFailures(int lowest) {
    excused = lowest;
  }

  /** What the file {@code unique} says in each image that has a name, by that name. */
  Map<String, String> contents() {
    Map<String, String> all = new TreeMap<>();
    ids.forEach(
        (reference, id) -> {
          if (contents.containsKey(id)) {
            all.put(reference, contents.get(id));
          }
        });
    return all;
  }

  /** One of its references, or one that is always there. */
  String any(String otherwise) {
    if (ids.isEmpty() || random.nextBoolean()) {
      return otherwise;
    }
    List<String> all = new ArrayList<>(ids.keySet());
    return all.get(random.nextInt(all.size()));
  }

  void step(Api api) throws IOException {
    if (!pending.isEmpty() || pruned) {
      return;
    }
    int dice = random.nextInt(12);
    if (dice == 0) {
      importBroken(api);
    } else if (dice == 1) {
      prune(api);
    } else if (ids.isEmpty() || dice < 6 && ids.size() < REFERENCES) {
      if (random.nextBoolean()) {
        importOne(api);
      } else {
        load(api);
      }
    } else if (dice < 9 && ids.size() < REFERENCES) {
      tag(api);
    } else {
      untag(api);
    }
  }

  private void importOne(Api api) throws IOException {
    String reference = next();
    byte[] tar = Tar.of(base, "unique", reference);
    pending = reference;
    pendingId = ""; // any
    Http.Answer answer = api.post(importPath(reference), tar);
    if (answer.status() == 200) {
      String id = Api.json(answer).path("status").asText();
      ids.put(reference, id);
      contents.put(id, reference);
      pending = "";
    } else {
      refused("import", answer);
    }
  }

  /** An archive that ends in the middle of a file leaves nothing. */
  private void importBroken(Api api) throws IOException {
    String reference = next();
    byte[] tar = Tar.of(base, "unique", reference);
    Http.Answer answer = api.post(importPath(reference), Arrays.copyOf(tar, tar.length / 2));
    if (answer.status() < 400) {
      findings.add(Findings.Kind.HALF, "half an archive became " + reference);
    }
  }

  /** A docker-archive of one name and two layers, which are unpacked side by side. */
  private void load(Api api) throws IOException {
    String reference = next();
    byte[] lower = Tar.of(base, "lower", reference);
    byte[] upper = Tar.of(new byte[0], "unique", reference);
    String config =
        """
        {"architecture": "amd64", "os": "linux", "config": {"Labels": {"%s": "%d"}},
         "rootfs": {"type": "layers", "diff_ids": ["sha256:%s", "sha256:%s"]}}
        """
            .formatted(LABEL, number, Leaks.sha256(lower), Leaks.sha256(upper));
    String id = Leaks.sha256(config.getBytes(StandardCharsets.US_ASCII));
    String manifest =
        """
        [{"Config": "%s.json", "RepoTags": ["%s"], "Layers": ["lower.tar", "upper.tar"]}]
        """
            .formatted(id, reference);
    byte[] archive = Tar.entry(new byte[0], "lower.tar", lower);
    archive = Tar.entry(archive, "upper.tar", upper);
    archive = Tar.entry(archive, id + ".json", config.getBytes(StandardCharsets.US_ASCII));
    archive = Tar.of(archive, "manifest.json", manifest);
    pending = reference;
    pendingId = "sha256:" + id;
    Http.Answer answer = api.post("/images/load?quiet=1", archive);
    if (answer.status() != 200) {
      refused("load", answer);
    } else if (answer.body().contains("Loaded image: " + reference)) {
      ids.put(reference, pendingId);
      contents.put(pendingId, reference);
      pending = "";
    } else if (excused == Integer.MAX_VALUE) {
      findings.add(Findings.Kind.REFUSED, "load of " + reference + ": " + answer.body());
    }
  }

  /** Those that were loaded, and what was committed on top of them, unless a container uses it. */
  private void prune(Api api) throws IOException {
    String filters =
        Api.encoded("{\"dangling\": [\"false\"], \"label\": [\"%s=%d\"]}".formatted(LABEL, number));
    pruned = true;
    Http.Answer answer = api.post("/images/prune?filters=" + filters, "");
    if (answer.status() != 200) {
      refused("image prune", answer);
      return;
    }
    for (var each : Api.json(answer).path("ImagesDeleted")) {
      String gone = each.path("Untagged").asText();
      if (!gone.isEmpty() && ids.remove(gone) == null) {
        findings.add(Findings.Kind.STATE, "prune of client " + number + " took " + gone);
      }
    }
    pruned = false;
  }

  /** Makes an image of a container that is there and stays as it is meanwhile. */
  void commit(Api api, Tracked one) throws IOException {
    if (!pending.isEmpty() || pruned || ids.size() >= REFERENCES) {
      return;
    }
    String reference = next();
    int colon = reference.lastIndexOf(':');
    pending = reference;
    pendingId = ""; // any
    Http.Answer answer =
        api.post(
            "/commit?container=%s&repo=%s&tag=%s"
                .formatted(one.id, reference.substring(0, colon), reference.substring(colon + 1)),
            "{}");
    if (answer.status() == 201) {
      ids.put(reference, Api.json(answer).path("Id").asText());
      pending = "";
    } else if (one.monitorKilled || answer.status() == 404 && one.autoRemove) {
      pending = ""; // there is nothing to make it of any more
    } else {
      refused("commit", answer);
    }
  }

  private void tag(Api api) throws IOException {
    String from = any(ids.keySet().iterator().next());
    String reference = next();
    pending = reference;
    pendingId = ids.get(from);
    int colon = reference.lastIndexOf(':');
    Http.Answer answer =
        api.post(
            "/images/%s/tag?repo=%s&tag=%s"
                .formatted(from, reference.substring(0, colon), reference.substring(colon + 1)),
            "");
    if (answer.status() == 201) {
      ids.put(reference, pendingId);
      pending = "";
    } else {
      refused("tag", answer);
    }
  }

  private void untag(Api api) throws IOException {
    String reference = any(ids.keySet().iterator().next());
    pending = reference;
    pendingId = ids.get(reference);
    Http.Answer answer = api.delete("/images/" + reference);
    if (answer.status() == 200) {
      ids.remove(reference);
      pending = "";
    } else if (answer.status() == 409) { // the last name of an image that a container uses
      pending = "";
    } else {
      refused("untag", answer);
    }
  }

  /** Compares with what the engine says: image ids by reference; takes it for what is. */
  void settle(Map<String, String> all) {
    Map<String, String> seen = new TreeMap<>();
    all.forEach(
        (reference, id) -> {
          if (reference.startsWith(prefix())) {
            seen.put(reference, id);
          }
        });
    ids.forEach(
        (reference, id) -> {
          boolean goes = reference.equals(pending) || pruned;
          if (!id.equals(seen.get(reference)) && !(goes && !seen.containsKey(reference))) {
            findings.add(
                Findings.Kind.STATE, reference + " named " + id + ", now " + seen.get(reference));
          }
        });
    seen.forEach(
        (reference, id) -> {
          boolean comes =
              reference.equals(pending) && (pendingId.isEmpty() || pendingId.equals(id));
          if (!ids.containsKey(reference) && !comes) {
            findings.add(Findings.Kind.HALF, reference + " names " + id + ", nobody knows why");
          }
        });
    ids.clear();
    ids.putAll(seen);
    pending = "";
    pruned = false;
  }

  private void refused(String what, Http.Answer answer) {
    if (answer.status() >= excused) {
      return;
    }
    findings.add(
        Findings.Kind.REFUSED,
        what + " of " + pending + ": " + answer.status() + " " + answer.body().strip());
  }

  private String prefix() {
    return "crash/" + number + ":";
  }

  private String next() {
    return prefix() + made++;
  }

  private static String importPath(String reference) {
    return "/images/create?fromSrc=-&repo=" + reference;
  }
}
