package io.gantry.itests.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Namespace;
import io.gantry.itests.harness.Town;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * Other engines in the same network, a second one of ours and a dockerd: whatever becomes of one,
 * the others' addresses, rules, ports and containers stay what they are, and clients do not notice.
 */
@Tag("root")
class NeighboursTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String PORT = "9001";
  private static final String PAGE = "the neighbour";

  /** An engine by its docker client. */
  private interface Docker {
    Command run(String... words);
  }

  @Test
  void twoEnginesOnOneHostLeaveEachOtherAlone() {
    try (Town town = Town.open(Instance.home())) {
      List<String> before = town.standing();
      try (Instance other = Instance.startIn(town.engine().space())) {
        other.importBusybox();
        moveIn(other::docker);
        assertStands(before, town, "another one moved in");
        List<String> others = others(town);
        ups(town);
        assertServed(town);
        assertEquals(others, others(town), "what the other one has");
        other.stop();
        assertStands(before, town, "the other one stopped");
        other.startAgain();
        Belongings.kill(other.engine().pid());
        assertStands(before, town, "the other one died");
        other.awaitAnswer();
        assertServed(town);
        moveOut(other::docker);
      }
      assertStands(before, town, "the other one left");
    }
  }

  @Test
  @EnabledIfEnvironmentVariable(named = "GANTRY_PEERS", matches = ".+")
  void aDockerdBesideItIsLeftAloneAndLeavesItAlone() throws Exception {
    Path trees = Path.of(System.getenv().getOrDefault("PEERS", "/tmp/peers"));
    assumeTrue(
        Files.isExecutable(trees.resolve("forky/usr/sbin/dockerd")),
        "its tree is to be there: nothing can be fetched from within a network namespace");
    try (Town town = Town.open(Instance.home())) {
      List<String> before = town.standing();
      Path socket = trees.resolve("d28/docker.sock");
      script(town.engine().space(), "setup");
      script(town.engine().space(), "dockerd");
      try {
        Docker docker = words -> docker(socket, words);
        String tar = town.engine().scratch().resolve("busybox.tar").toString();
        String root = town.engine().scratch().resolve("busybox").toString();
        Command.run(Map.of(), LIMIT, List.of("tar", "-C", root, "-cf", tar, ".")).ok();
        docker.run("import", tar, "busybox:latest").ok();
        moveIn(docker);
        assertStands(before, town, "dockerd came");
        List<String> others = others(town);
        ups(town);
        assertServed(town);
        assertEquals(others, others(town), "what dockerd has");
        assertStands(before, town, "the engine died and stopped beside it");
        moveOut(docker);
        assertStands(before, town, "dockerd's container went");
      } finally {
        script(town.engine().space(), "stop");
        Eventually.eventually(
            "dockerd ends", () -> !Files.exists(socket.resolveSibling("docker.pid")));
      }
      assertStands(before, town, "dockerd ended");
    }
  }

  private static void script(Namespace space, String verb) {
    Map<String, String> environment =
        Map.of("PEERS", System.getenv().getOrDefault("PEERS", "/tmp/peers"), "SUITE", "forky");
    List<String> words = List.of("bash", System.getenv("GANTRY_PEERS"), verb);
    Command.run(environment, Duration.ofMinutes(10), space.words(words)).ok();
  }

  private static Command docker(Path socket, String... words) {
    List<String> all = new ArrayList<>(List.of("docker", "-H", "unix://" + socket));
    all.addAll(List.of(words));
    return Command.run(Map.of(), LIMIT, all);
  }

  private static void moveIn(Docker docker) {
    docker.run("network", "create", "next-door").ok();
    String script = "mkdir /www; echo " + PAGE + " >/www/index.html; exec httpd -f -h /www -p 80";
    docker
        .run(
            "run",
            "-d",
            "--name",
            "neighbour",
            "--network",
            "next-door",
            "-p",
            PORT + ":80",
            "busybox",
            "sh",
            "-c",
            script)
        .ok();
  }

  private static void moveOut(Docker docker) {
    docker.run("rm", "-f", "neighbour").ok();
    docker.run("network", "rm", "next-door").ok();
  }

  /** The town's engine dies and comes again, stops and starts. */
  private static void ups(Town town) {
    Belongings.kill(town.engine().engine().pid());
    town.engine().awaitAnswer();
    town.engine().stop();
    assertServed(town);
    town.engine().startAgain();
    town.awaitMore();
    assertEquals(List.of(), town.failures());
  }

  private static void assertServed(Town town) {
    for (String address : List.of(Town.HOST, "127.0.0.1")) {
      String url = "http://" + address + ":" + PORT + "/";
      Eventually.eventually(
          url + " is served",
          () ->
              town.engine()
                  .space()
                  .run("curl", "-s", "--max-time", "5", url)
                  .out()
                  .strip()
                  .equals(PAGE));
    }
  }

  /** Rules and interfaces in the network that are not the town's. */
  private static List<String> others(Town town) {
    String own = "gantry-" + town.engine().belongings().instance();
    List<String> all = new ArrayList<>();
    Namespace space = town.engine().space();
    for (String table : space.run("nft", "list", "tables").ok().lines().toList()) {
      if (!table.contains(own)) {
        String rules = space.run("nft", "list " + table).ok();
        all.add(rules.replaceAll("packets \\d+ bytes \\d+", ""));
      }
    }
    for (String link : space.run("ip", "-o", "address").ok().lines().toList()) {
      if (link.contains("br-") || link.contains("docker")) {
        all.add(link.replace(" tentative", "")); // as long as IPv6 looks for doubles
      }
    }
    return all;
  }

  private static void assertStands(List<String> before, Town town, String when) {
    town.awaitMore();
    assertEquals(List.of(), town.failures(), "when " + when);
    NetworkKillTest.assertStands(before, town, when);
  }
}
