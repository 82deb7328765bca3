package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Http;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/** The networks of one client, by name: what was acknowledged and the step under way. */
final class NetworkClient {
  private static final int NETWORKS = 2;
  private static final String LABEL = "client";

  private final int number;
  private final Random random;
  private final Findings findings;

  /** With what their subnets and ids were; empty until somebody has looked. */
  private final Map<String, String> networks = new TreeMap<>();

  /** Containers were in them, and may still be on their way out. */
  private final Set<String> used = new HashSet<>();

  private String pending = "";
  private int made;
  private volatile int excused = Integer.MAX_VALUE; // from this status on

  NetworkClient(int number, Random random, Findings findings) {
    this.number = number;
    this.random = random;
    this.findings = findings;
  }

  void expectFailures(int lowest) {
    excused = lowest;
  }

  /** One of those that are there for sure, or an empty text. */
  String any() {
    if (networks.isEmpty()) {
      return "";
    }
    String one = new ArrayList<>(networks.keySet()).get(random.nextInt(networks.size()));
    if (one.equals(pending)) {
      return "";
    }
    used.add(one);
    return one;
  }

  /**
   * @param wanted whether a container is to be in a network, or may be
   */
  void step(Api api, Predicate<String> wanted) throws IOException {
    if (!pending.isEmpty()) {
      return;
    }
    List<String> free = networks.keySet().stream().filter(wanted.negate()).toList();
    if (networks.isEmpty() || random.nextInt(2) == 0 && networks.size() < NETWORKS) {
      create(api);
    } else if (!free.isEmpty()) {
      remove(api, free.get(random.nextInt(free.size())));
    }
  }

  private void create(Api api) throws IOException {
    pending = prefix() + made++;
    String body =
        "{\"Name\": \"%s\", \"Labels\": {\"%s\": \"%d\"}}".formatted(pending, LABEL, number);
    Http.Answer answer = api.post("/networks/create", body);
    if (answer.status() == 201) {
      networks.put(pending, facts(api.read("/networks/" + pending)));
      pending = "";
    } else {
      refused("create", answer);
    }
  }

  private void remove(Api api, String network) throws IOException {
    pending = network;
    Http.Answer answer = api.delete("/networks/" + network);
    if (answer.status() == 204) {
      networks.remove(network);
      used.remove(network);
      pending = "";
    } else if (answer.status() == 403 && used.contains(network)) {
      pending = "";
    } else {
      refused("remove", answer);
    }
  }

  /** Compares with what the engine says; takes it for what is. */
  void settle(Map<String, JsonNode> all) {
    for (String name : List.copyOf(networks.keySet())) {
      JsonNode seen = all.get(name);
      if (seen == null && !name.equals(pending)) {
        findings.add(Findings.Kind.STATE, "network " + name + " is gone");
      }
      if (seen == null) {
        networks.remove(name);
      } else if (!facts(seen).equals(networks.get(name))) {
        findings.add(
            Findings.Kind.STATE,
            "network %s was %s, now %s".formatted(name, networks.get(name), facts(seen)));
      }
    }
    all.forEach(
        (name, seen) -> {
          if (name.startsWith(prefix()) && !networks.containsKey(name)) {
            if (!name.equals(pending)) {
              findings.add(Findings.Kind.HALF, "nobody knows network " + seen);
            }
            networks.put(name, facts(seen));
          }
        });
    pending = "";
  }

  private static String facts(JsonNode network) {
    return network.path("Id").asText() + " " + network.path("IPAM") + network.path("Labels");
  }

  private void refused(String what, Http.Answer answer) {
    if (answer.status() < excused) {
      findings.add(
          Findings.Kind.REFUSED,
          what + " of network " + pending + ": " + answer.status() + " " + answer.body().strip());
    }
  }

  private String prefix() {
    return "crash-net-" + number + "-";
  }
}
