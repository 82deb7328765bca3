package io.gantry.jmx.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RefusalsTest {

  private final AtomicLong now = new AtomicLong(-5);
  private final Refusals refusals = new Refusals(now::get);

  @Test
  void aFloodIsOneLineInTenSeconds() {
    assertEquals(OptionalLong.of(1), refusals.another());
    for (int i = 0; i < 5000; i++) {
      assertEquals(OptionalLong.empty(), refusals.another());
    }
    now.addAndGet(Duration.ofSeconds(10).toNanos());
    assertEquals(OptionalLong.of(5001), refusals.another());
    assertEquals(OptionalLong.empty(), refusals.another());
  }
}
