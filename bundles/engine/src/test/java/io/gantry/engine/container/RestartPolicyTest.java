package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class RestartPolicyTest {
  @Test
  void onFailureCountsAndLeavesSuccessAlone() {
    var policy = RestartPolicy.of("on-failure", 2);
    assertTrue(policy.restarts(3, false, 1));
    assertFalse(policy.restarts(3, false, 2));
    assertFalse(policy.restarts(0, false, 0));
    assertTrue(RestartPolicy.of("on-failure", 0).restarts(1, false, 99));
  }

  @Test
  void nothingRestartsWhatTheUserStopped() {
    for (String name : new String[] {"always", "unless-stopped", "on-failure", "no"}) {
      assertFalse(RestartPolicy.of(name, 0).restarts(1, true, 0), name);
    }
    assertTrue(RestartPolicy.of("always", 0).startsWithEngine(true));
    assertFalse(RestartPolicy.of("unless-stopped", 0).startsWithEngine(true));
  }

  @Test
  void theDelayDoublesUpToAMinuteAndStartsAnewAfterALongRun() {
    var delay = Duration.ZERO;
    for (long expected : new long[] {100, 200, 400, 800, 1600}) {
      delay = RestartPolicy.delay(delay, Duration.ofMillis(5));
      assertEquals(expected, delay.toMillis());
    }
    assertEquals(Duration.ofMinutes(1), RestartPolicy.delay(Duration.ofSeconds(40), Duration.ZERO));
    assertEquals(100, RestartPolicy.delay(delay, Duration.ofSeconds(10)).toMillis());
  }

  @Test
  void nonsenseIsRefusedInDockersWords() {
    var e = assertThrows(GantryException.class, () -> RestartPolicy.of("always", 3));
    assertEquals(
        "invalid restart policy: maximum retry count can only be used with 'on-failure'",
        e.getMessage());
    e = assertThrows(GantryException.class, () -> RestartPolicy.of("bogus", 0));
    assertTrue(e.getMessage().startsWith("invalid restart policy: unknown policy 'bogus'"));
  }
}
