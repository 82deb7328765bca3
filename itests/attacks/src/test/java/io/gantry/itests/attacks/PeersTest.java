package io.gantry.itests.attacks;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same attacks on other engines, for the table; with {@code -Dattacks.peers=all}, or a part of
 * a name, by hand: they take half an hour each, what hangs them most of it.
 */
@Tag("root")
@EnabledIfSystemProperty(named = "attacks.peers", matches = ".+")
@EnabledIfEnvironmentVariable(named = "GANTRY_PEERS", matches = ".+")
class PeersTest {

  @ParameterizedTest
  @ValueSource(strings = {"dockerd 26.1", "dockerd 28.5", "podman 5.4"})
  void peersAreMeasured(String name) throws IOException {
    String asked = System.getProperty("attacks.peers", "");
    assumeTrue(asked.equals("all") || name.contains(asked));
    var outcomes = new ArrayList<Outcome>();
    Peer peer = peer(name);
    try (Arena arena = new Arena(peer)) {
      Images.make(arena.api());
      if ("in-".matches(System.getProperty("attacks.only", ".*"))) {
        Programs.fight(arena.api())
            .forEach((id, through) -> outcomes.add(new Outcome(id, through.isEmpty(), through)));
        Table.keep(name, outcomes);
      }
      for (Attack attack : Corpus.chosen()) {
        Outcome outcome = arena.fight(attack);
        outcomes.add(outcome);
        Table.keep(name, outcomes);
        if (outcome.why().contains("ms") || outcome.why().contains("not over")) {
          peer.restart();
        }
      }
    }
  }

  private static Peer peer(String name) {
    return switch (name) {
      case "dockerd 26.1" -> Peer.dockerd(name, "trixie", "attacks-d26");
      case "dockerd 28.5" -> Peer.dockerd(name, "forky", "attacks-d28");
      default -> Peer.podman("attacks-pod");
    };
  }
}
