package io.gantry.rest.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {

  private final List<Runnable> handedOver = new ArrayList<>();
  private final List<String> done = new ArrayList<>();
  private final Turns turns = new Turns(handedOver::add, 1, 2);

  @Test
  void whoComesWhileItIsSomebodysTurnWaitsInLine() {
    turns.take(
        () -> {
          turns.take(() -> done.add("second"));
          turns.take(() -> done.add("third"));
          assertEquals(List.of(), done);
          assertEquals(
              GantryException.Kind.UNAVAILABLE,
              assertThrows(GantryException.class, () -> turns.take(() -> done.add("fourth")))
                  .kind());
          done.add("first");
        });
    assertEquals(List.of("first"), done);
    handedOver.remove(0).run();
    handedOver.remove(0).run();
    assertEquals(List.of("first", "second", "third"), done);
    assertEquals(List.of(), handedOver);
    turns.take(() -> done.add("on the caller's thread"));
    assertEquals(4, done.size());
  }

  @Test
  void aTurnThatFailsIsOver() {
    assertThrows(
        IllegalStateException.class,
        () ->
            turns.take(
                () -> {
                  throw new IllegalStateException();
                }));
    turns.take(() -> done.add("next"));
    assertEquals(List.of("next"), done);
  }
}
