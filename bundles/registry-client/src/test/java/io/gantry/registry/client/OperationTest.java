package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import org.junit.jupiter.api.Test;

/** What is shown of a transfer. */
class OperationTest {

  private final Operation operation = new Operation("1", "push", "x:1", Instant.EPOCH);

  @Test
  void whatBeginsAnewIsNotThereAndHasPassedAllTheSame() {
    operation.wants(5000);
    operation.moved(4000);
    operation.moved(-4000);
    assertEquals(0, operation.view().current());
    assertEquals(0, operation.view().bytesPerSecond());
    operation.moved(3000);
    assertEquals(3000, operation.view().current());
    assertTrue(operation.view().bytesPerSecond() > 0);
  }
}
