package io.gantry.itests.attacks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;

/** Which attacks win where a fault is planted: those that never win anywhere prove nothing. */
final class Proofs {

  private static final int AT_ONCE = 6;

  private Proofs() {}

  /** Each attack against a careless engine of its own; by id, what it got away with. */
  static Map<String, Outcome> careless(List<Attack> attacks)
      throws InterruptedException, ExecutionException {
    // Descriptors are counted there, of this process: one after the other.
    var alone = attacks.stream().filter(attack -> attack.id().startsWith("vanish-")).toList();
    var together = new ArrayList<>(attacks);
    together.removeAll(alone);
    var outcomes = new LinkedHashMap<String, Outcome>();
    run(together, AT_ONCE, outcomes);
    run(alone, 1, outcomes);
    return outcomes;
  }

  private static void run(List<Attack> attacks, int atOnce, Map<String, Outcome> outcomes)
      throws InterruptedException, ExecutionException {
    var threads = Executors.newFixedThreadPool(atOnce);
    try {
      var fights =
          threads.invokeAll(
              attacks.stream()
                  .map(
                      attack ->
                          (java.util.concurrent.Callable<Outcome>)
                              () -> {
                                try (Arena arena = new Arena(new Careless())) {
                                  return arena.fight(attack);
                                }
                              })
                  .toList());
      for (var fight : fights) {
        outcomes.put(fight.get().attack(), fight.get());
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
