package io.gantry.itests.crash;

import io.gantry.itests.harness.Http;
import java.io.IOException;
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
  private static byte[] base = {};

  private final int number;
  private final Random random;
  private final Findings findings;
  private final Map<String, String> ids = new TreeMap<>();
  private String pending = "";
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
    if (!pending.isEmpty()) {
      return;
    }
    int dice = random.nextInt(10);
    if (dice == 0) {
      importBroken(api);
    } else if (ids.isEmpty() || dice < 4 && ids.size() < REFERENCES) {
      importOne(api);
    } else if (dice < 7 && ids.size() < REFERENCES) {
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

  /** Makes an image of a container that is there and stays as it is meanwhile. */
  void commit(Api api, Tracked one) throws IOException {
    if (!pending.isEmpty() || ids.size() >= REFERENCES) {
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
          boolean goes = reference.equals(pending);
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
