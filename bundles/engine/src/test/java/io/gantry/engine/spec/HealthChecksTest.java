package io.gantry.engine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.HealthCheck;
import io.gantry.spi.GantryException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class HealthChecksTest {
  private static final Duration NONE = Duration.ZERO;
  private static final String IMAGE =
      "{\"Test\":[\"CMD-SHELL\",\"echo img\"],\"Interval\":3000000000,\"Retries\":7}";

  private static HealthCheck check(List<String> test, Duration interval, int retries) {
    return new HealthCheck(test, interval, NONE, NONE, NONE, retries);
  }

  private static String refusal(HealthCheck check) {
    var refusal = assertThrows(GantryException.class, () -> HealthChecks.check(check));
    assertEquals(GantryException.Kind.INVALID, refusal.kind());
    return refusal.getMessage();
  }

  @Test
  void whatIsLeftOutIsTheImages() {
    var image = check(List.of("CMD-SHELL", "echo img"), Duration.ofSeconds(3), 7);
    assertEquals(image, HealthChecks.merge(null, IMAGE));
    assertEquals(
        check(image.test(), Duration.ofSeconds(9), 7),
        HealthChecks.merge(check(List.of(), Duration.ofSeconds(9), 0), IMAGE));
    assertEquals(
        check(List.of("NONE"), Duration.ofSeconds(3), 7),
        HealthChecks.merge(check(List.of("NONE"), NONE, 0), IMAGE));
    assertNull(HealthChecks.merge(null, ""));
    assertEquals(IMAGE, HealthChecks.write(image));
  }

  @Test
  void whatAStrangerWroteIntoAnImageIsRefused() {
    for (String text :
        List.of(
            "{\"Test\":[1]}",
            "{\"Interval\":\"5s\"}",
            "{\"Retries\":99999999999}",
            "{\"Timeout\":1e30}")) {
      assertThrows(GantryException.class, () -> HealthChecks.merge(null, text), text);
    }
  }

  @Test
  void limitsAreDockers() {
    var micro = Duration.ofNanos(1000);
    var test = List.of("CMD", "true");
    assertEquals("Interval in Healthcheck cannot be less than 1ms", refusal(check(test, micro, 0)));
    assertEquals(
        "Interval in Healthcheck cannot be less than 1ms",
        refusal(check(test, Duration.ofNanos(-1), 0)));
    assertEquals(
        "Timeout in Healthcheck cannot be less than 1ms",
        refusal(new HealthCheck(test, NONE, micro, NONE, NONE, 0)));
    assertEquals(
        "StartPeriod in Healthcheck cannot be less than 1ms",
        refusal(new HealthCheck(test, NONE, NONE, micro, NONE, 0)));
    assertEquals(
        "StartInterval in Healthcheck cannot be less than 1ms",
        refusal(new HealthCheck(test, NONE, NONE, NONE, micro, 0)));
    assertEquals("Retries in Healthcheck cannot be negative", refusal(check(test, NONE, -1)));
    HealthChecks.check(check(List.of("OTHER"), Duration.ofMillis(1), 1));
  }
}
