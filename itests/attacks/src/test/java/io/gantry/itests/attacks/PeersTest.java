package io.gantry.itests.attacks;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same attacks on other engines, for the table; with {@code -Dattacks.peers=true} by hand,
 * since they take their time.
 */
@Tag("root")
@EnabledIfSystemProperty(named = "attacks.peers", matches = ".+")
@EnabledIfEnvironmentVariable(named = "GANTRY_PEERS", matches = ".+")
class PeersTest {

  @ParameterizedTest
  @ValueSource(strings = {"dockerd 26.1", "dockerd 28.5", "podman"})
  void peersAreMeasured(String name) throws IOException {
    String asked = System.getProperty("attacks.peers", "");
    assumeTrue(asked.equals("all") || name.contains(asked));
    var outcomes = new ArrayList<Outcome>();
    Peer peer = peer(name);
    try (Arena arena = new Arena(peer)) {
      Images.make(arena.api());
      Programs.fight(arena.api())
          .forEach((id, through) -> outcomes.add(new Outcome(id, through.isEmpty(), through)));
      for (Attack attack : Corpus.chosen()) {
        Outcome outcome = arena.fight(attack);
        outcomes.add(outcome);
        System.out.println(java.time.LocalTime.now() + " " + name + " " + outcome);
        Table.keep(name, outcomes);
        if (outcome.why().contains("ms") || outcome.why().contains("not over")) {
          peer.restart();
        }
      }
    }
  }

  /** Those that nothing trips are told: they prove nothing, unless a peer fails them. */
  @Test
  void attacksWinAgainstACarelessEngine() throws Exception {
    var careless = Proofs.careless(Corpus.chosen()).values();
    Table.keep(Table.CARELESS, careless);
    var held = careless.stream().filter(Outcome::held).map(Outcome::attack).toList();
    assertTrue(held.size() <= careless.size() / 20, "prove nothing: " + held);
  }

  private static Peer peer(String name) {
    return switch (name) {
      case "dockerd 26.1" -> Peer.dockerd(name, "trixie", "attacks-d26");
      case "dockerd 28.5" -> Peer.dockerd(name, "forky", "attacks-d28");
      default -> Peer.podman("attacks-pod");
    };
  }
}
