package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.util.HashSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NamesTest {
  @Test
  void aSlashInFrontIsNoPartOfTheName() {
    assertEquals("web", Names.check("/web"));
    assertEquals("a-b_c.9", Names.check("a-b_c.9"));
  }

  @Test
  void badNamesAreRefusedInDockersWords() {
    for (String bad : new String[] {"a", "-bad", "a b", "", "a/b", "ä1", "x".repeat(5000)}) {
      var e = assertThrows(GantryException.class, () -> Names.check(bad));
      assertTrue(
          e.getMessage().endsWith(", only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"), e.getMessage());
    }
    var e = assertThrows(GantryException.class, () -> Names.check("a"));
    assertEquals(
        "Invalid container name (a), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", e.getMessage());
  }

  @Test
  void inventedNamesAreValidAndFree() {
    var taken = new HashSet<String>();
    var random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      String name = Names.random(random, taken::contains);
      assertEquals(name, Names.check(name));
      assertTrue(taken.add(name));
    }
  }
}
