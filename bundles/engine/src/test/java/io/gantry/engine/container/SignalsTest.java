package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SignalsTest {
  @ParameterizedTest
  @CsvSource({
    "KILL,9",
    "SIGTERM,15",
    "sigusr1,10",
    "hup,1",
    "9,9",
    "64,64",
    "RTMIN,34",
    "SIGRTMIN+3,37",
    "RTMAX-1,63",
    "RTMAX,64",
    "WINCH,28",
    "SYS,31",
    "POLL,29",
    "CLD,17"
  })
  void namesAndNumbersAreKnown(String text, int number) {
    assertEquals(number, Signals.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "FOO", "SIG", "RTMIN+31", "RTMIN-1", "RTMAX-99", "9x"})
  void whatIsNoSignalIsNamed(String text) {
    var e = assertThrows(GantryException.class, () -> Signals.parse(text));
    assertEquals("invalid signal: " + text, e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"65", "999999", "-9"})
  void numbersBeyondLinuxAreNamedSo(String text) {
    var e = assertThrows(GantryException.class, () -> Signals.parse(text));
    assertEquals("the linux daemon does not support signal " + text, e.getMessage());
  }

  @Test
  void everyStandardSignalHasItsNumber() {
    assertEquals(31, Signals.parse("UNUSED"));
    assertEquals(Signals.KILL, Signals.parse("SIGKILL"));
    assertEquals(Signals.TERM, Signals.parse("15"));
  }
}
