package io.gantry.registry.client.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How long an overloaded registry is waited for. */
class OverloadTest {

  private static final Duration USUAL = Duration.ofSeconds(4);

  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private final Overload overload = new Overload(() -> now);

  private Optional<Duration> pause(String wish) {
    return overload.pause(429, wish, USUAL);
  }

  @ParameterizedTest
  @CsvSource({
    "'', 4",
    "7, 7",
    "' 7 ', 7",
    "0, 0",
    "soon, 4",
    "-1, 4",
    "'Thu, 01 Jan 2026 00:00:09 GMT', 9",
    "'Wed, 31 Dec 2025 00:00:00 GMT', 4",
  })
  void aRegistrySaysWhenItWantsToBeAskedAgain(String wish, int seconds) {
    assertEquals(Optional.of(Duration.ofSeconds(seconds)), pause(wish));
  }

  @ParameterizedTest
  @ValueSource(strings = {"121", "3600", "999999999", "Fri, 02 Jan 2026 00:00:00 GMT"})
  void oneThatWantsToBeLeftAloneForLongIs(String wish) {
    assertEquals(Optional.empty(), pause(wish));
  }

  @Test
  void theWholeHasAnEnd() {
    assertEquals(Optional.of(Duration.ofSeconds(60)), pause("60"));
    now = now.plusSeconds(61);
    assertEquals(Optional.of(Duration.ofSeconds(59)), pause("59"));
    assertEquals(Optional.empty(), pause("60"));
    now = now.plusSeconds(60);
    assertEquals(Optional.empty(), pause(""));
    assertEquals(Optional.empty(), overload.pause(200, "", USUAL));
    assertEquals(Optional.of(USUAL), pause(""), "it has had time meanwhile");
  }

  @ParameterizedTest
  @CsvSource({"429, true", "502, true", "503, true", "504, true", "500, false", "404, false"})
  void notAllFailuresAreOverload(int status, boolean isOverload) {
    assertEquals(isOverload, overload.pause(status, "", USUAL).isPresent());
  }
}
