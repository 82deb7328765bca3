package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ContainerTest {

  private final Container container = Specs.container(Specs.running("true"));

  @Test
  void isStoppingUntilTheLastOfSeveralStopsEnds() {
    container.stopping(true);
    container.stopping(true);
    container.stopping(false);
    assertTrue(container.isStopping(), "the other stop is still under way");
    container.stopping(false);
    assertFalse(container.isStopping());
  }

  @Test
  void isKeptUntilTheLastOfSeveralRestartsEnds() {
    container.kept(true);
    container.kept(true);
    container.kept(false);
    assertTrue(container.isKept(), "the other restart is still under way");
    container.kept(false);
    assertFalse(container.isKept());
  }
}
