package io.gantry.rest.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import java.time.Instant;
import java.time.ZoneId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GoTimeTest {
  private static final Instant NOW = Instant.parse("2026-11-28T12:00:00Z");

  @ParameterizedTest
  @CsvSource({
    "10m, 2026-11-28T11:50:00Z",
    "1h30m, 2026-11-28T10:30:00Z",
    "1.5h, 2026-11-28T10:30:00Z",
    "500ms, 2026-11-28T11:59:59.500Z",
    "0.25s, 2026-11-28T11:59:59.750Z",
    "1s1ms1us1ns, 2026-11-28T11:59:58.998998999Z",
    "2µs, 2026-11-28T11:59:59.999998Z",
    "+1h, 2026-11-28T11:00:00Z",
    "-1h, 2026-11-28T13:00:00Z",
    "999999999h, -112053-06-14T21:00:00Z",
    "0, 1970-01-01T00:00:00Z",
    "1795416000.25, 2026-11-23T06:40:00.250Z",
    "+5, 1970-01-01T00:00:05Z",
    "-0s, 2026-11-28T12:00:00Z",
    "2026-11-27, 2026-11-26T23:00:00Z",
    "2026-11-27Z, 2026-11-27T00:00:00Z",
    "2026-11-27T01, 2026-11-27T00:00:00Z",
    "2026-11-27T01:02, 2026-11-27T00:02:00Z",
    "2026-11-27T01:02:03, 2026-11-27T00:02:03Z",
    "2026-11-27T01:02:03.5, 2026-11-27T00:02:03.500Z",
    "2026-07-01T01:02:03, 2026-07-01T00:02:03Z",
    "2026-11-27T01:02Z, 2026-11-27T01:02:00Z",
    "2026-11-27T01:02:03Z, 2026-11-27T01:02:03Z",
    "2026-11-27T01:02:03-08:00, 2026-11-27T09:02:03Z",
    "2026-11-27T01:02:03.5+02:00, 2026-11-26T23:02:03.500Z"
  })
  void aMomentIsReadAsGoReadsItInAZoneOfWinter(String text, Instant moment) {
    assertEquals(moment, GoTime.parse("until", text, NOW, ZoneId.of("Europe/Berlin")));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1970-01-01T00:00:00Z",
    "-62135596800.000000000, 0001-01-01T00:00:00Z",
    "-1, 1969-12-31T23:59:59Z",
    "-1.5, 1969-12-31T23:59:59.500Z",
    "+5.25, 1970-01-01T00:00:05.250Z",
    "1795416000.000000001, 2026-11-23T06:40:00.000000001Z",
    "1795416000.9999999999, 2026-11-23T06:40:00.999999999Z",
    "99999999999999, +3170843-11-07T09:46:39Z"
  })
  void aParameterIsUnixSeconds(String text, Instant moment) {
    assertEquals(moment, GoTime.unix(text));
  }

  @ParameterizedTest
  @CsvSource({
    "2026-11-27T01:02:03Z, 2026-11-27T01:02:03Z, invalid syntax",
    "10m, 10m, invalid syntax",
    "1e9, 1e9, invalid syntax",
    "1795416000.x, x, invalid syntax",
    "1795416000., '', invalid syntax",
    ".5, '', invalid syntax",
    "18446744073709551616, 18446744073709551616, value out of range",
  })
  void aParameterThatIsElseIsRefusedInGosWords(String text, String part, String why) {
    var e = assertThrows(GantryException.class, () -> GoTime.unix(text));
    assertEquals("strconv.ParseInt: parsing \"" + part + "\": " + why, e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x",
        "h",
        "1.h.",
        "1d",
        "1h1",
        "2026-13-01",
        "2026-02-30",
        "2026-11-27.5",
        "-1",
        "--1h"
      })
  void whatIsNoneIsRefused(String text) {
    assertThrows(GantryException.class, () -> GoTime.parse("until", text, NOW));
  }

  @Test
  void aTimeHasAsManyDigitsAsThereAre() {
    assertEquals(GoTime.ZERO, GoTime.nano(null));
    for (int round = 0; round < 2; round++) { // the second time it knows the seconds
      assertEquals("1970-01-01T00:00:00Z", GoTime.nano(Instant.EPOCH));
      assertEquals("1969-12-31T23:59:59.9Z", GoTime.nano(Instant.ofEpochMilli(-100)));
      for (String text :
          new String[] {".1", ".000000001", ".120000003", ".0000001", ".999999999"}) {
        for (int second = 0; second < 20; second++) {
          String time = "2026-11-23T06:50:%02d%sZ".formatted(second, text);
          assertEquals(time, GoTime.nano(Instant.parse(time)));
        }
      }
    }
  }
}
