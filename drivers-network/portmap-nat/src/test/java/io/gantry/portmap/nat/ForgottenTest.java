package io.gantry.portmap.nat;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ForgottenTest {
  private final ArrayDeque<Runnable> work = new ArrayDeque<>();
  private final List<Set<Integer>> cleared = new ArrayList<>();
  private final Forgotten forgotten = new Forgotten(work::add, cleared::add);

  private void goOn() {
    work.remove().run();
  }

  @Test
  void whatComesMeanwhileIsLookedForTogether() {
    forgotten.add(Set.of(53));
    forgotten.add(Set.of());
    forgotten.add(Set.of(54, 55));
    goOn();
    forgotten.add(Set.of(56));
    goOn();
    assertEquals(List.of(Set.of(53, 54, 55), Set.of(56)), cleared);
    assertEquals(0, work.size());
  }
}
