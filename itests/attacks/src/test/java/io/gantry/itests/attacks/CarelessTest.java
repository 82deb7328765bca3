package io.gantry.itests.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Attacks win against an engine that believes everything, or they would prove nothing. A part of
 * those that need no waiting; all with {@code -Dattacks.proofs=all}, which takes minutes.
 */
@Tag("root")
class CarelessTest {

  private static final int PART = 24;

  @Test
  void attacksWinAgainstIt() throws Exception {
    Map<String, Outcome> fights = Proofs.careless(chosen());
    if (Table.isRecorded()) {
      Table.keep(Table.CARELESS, fights.values());
    }
    assertEquals(
        List.of(),
        fights.values().stream().filter(Outcome::held).map(Outcome::attack).toList(),
        "a careless engine held");
  }

  private static List<Attack> chosen() {
    List<Attack> all = Corpus.chosen();
    if (System.getProperty("attacks.proofs", "").equals("all")) {
      return all;
    }
    List<Attack> quick = all.stream().filter(CarelessTest::isQuick).toList();
    return IntStream.range(0, quick.size())
        .filter(i -> i % PART == 0)
        .mapToObj(quick::get)
        .toList();
  }

  /** It was seen not to wait, nor to fill the memory. */
  private static boolean isQuick(Attack attack) {
    Outcome recorded = Table.recorded(Table.CARELESS).get(attack.id());
    return recorded != null && !recorded.why().matches(".* (ms|s|MiB)\\b.*|ps is not .*");
  }
}
