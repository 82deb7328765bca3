package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.api.Health;
import io.gantry.api.Health.Result;
import io.gantry.api.Health.Status;
import io.gantry.api.HealthCheck;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class HealthRulesTest {
  private static final Duration PERIOD = Duration.ofSeconds(60);
  private static final HealthCheck CHECK =
      new HealthCheck(
          List.of("CMD", "x"),
          Duration.ofSeconds(30),
          Duration.ofSeconds(30),
          PERIOD,
          Duration.ofSeconds(5),
          3);

  private static Health after(Health before, Duration age, int... exitCodes) {
    var health = before;
    for (int code : exitCodes) {
      health =
          HealthRules.after(health, new Result(Instant.EPOCH, Instant.EPOCH, code, ""), CHECK, age);
    }
    return health;
  }

  @Test
  void theStreakDecides() {
    var health = HealthRules.starting(null);
    assertEquals(Status.STARTING, after(health, PERIOD, 1, 1).status());
    assertEquals(Status.UNHEALTHY, after(health, PERIOD, 1, 1, 1).status());
    assertEquals(Status.HEALTHY, after(health, PERIOD, 1, 1, 0, 1, 1).status());
    assertEquals(2, after(health, PERIOD, 1, 1, 0, 1, 1).failingStreak());
    assertEquals(Status.HEALTHY, after(health, PERIOD, 1, -1, 2, 0).status());
  }

  @Test
  void theStartPeriodEndsWithTheFirstSuccess() {
    var health = HealthRules.starting(null);
    var early = Duration.ofSeconds(10);
    assertEquals(0, after(health, early, 1, 1, 1, 1).failingStreak());
    assertEquals(Status.UNHEALTHY, after(health, early, 0, 1, 1, 1).status());
  }

  @Test
  void theLogKeepsFiveAlsoOfFormerRuns() {
    var health = after(HealthRules.starting(null), PERIOD, 1, 2, 3, 4, 5, 6);
    assertEquals(List.of(2, 3, 4, 5, 6), health.log().stream().map(Result::exitCode).toList());
    var next = HealthRules.starting(HealthRules.ended(health));
    assertEquals(health.log(), next.log());
    assertEquals(0, next.failingStreak());
    assertEquals(Status.STARTING, next.status());
  }

  @Test
  void checksComeMoreOftenWhileItStarts() {
    var health = HealthRules.starting(null);
    assertEquals(CHECK.startInterval(), HealthRules.interval(health, CHECK, Duration.ZERO));
    assertEquals(CHECK.interval(), HealthRules.interval(health, CHECK, PERIOD));
    var healthy = after(health, Duration.ZERO, 0);
    assertEquals(CHECK.interval(), HealthRules.interval(healthy, CHECK, Duration.ZERO));
  }

  @Test
  void framesAreTakenApartWhereverTheyAreCut() {
    byte[] one = "hello ".getBytes(StandardCharsets.UTF_8);
    byte[] two = "wörld".getBytes(StandardCharsets.UTF_8);
    var all = ByteBuffer.allocate(16 + one.length + two.length);
    all.put((byte) 1).put(new byte[3]).putInt(one.length).put(one);
    all.put((byte) 2).put(new byte[3]).putInt(two.length).put(two);
    for (int cut = 1; cut < all.capacity(); cut++) {
      var output = new HealthOutput();
      output.take(all.slice(0, cut));
      output.take(all.slice(cut, all.capacity() - cut));
      assertEquals("hello wörld", output.text());
    }
  }

  @Test
  void goWritesDurationsSo() {
    assertEquals("30s", GoDuration.text(Duration.ofSeconds(30)));
    assertEquals("1.5s", GoDuration.text(Duration.ofMillis(1500)));
    assertEquals("20ms", GoDuration.text(Duration.ofMillis(20)));
    assertEquals("1m0s", GoDuration.text(Duration.ofMinutes(1)));
    assertEquals("1h0m0.25s", GoDuration.text(Duration.ofHours(1).plusMillis(250)));
  }
}
