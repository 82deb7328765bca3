package io.gantry.rest.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import org.junit.jupiter.api.Test;

class HoldsTest {

  private static int of(String soft) {
    return Holds.of(
        "Max processes             7                    7                    processes \n"
            + "Max open files            %-20s 1048576              files     \n".formatted(soft));
  }

  @Test
  void theyAreAQuarterOfTheFilesThatMayBeOpen() {
    assertEquals(64, of("256"));
    assertEquals(262_144, of("1048576"));
    assertEquals(16, of("40"));
    assertEquals(Integer.MAX_VALUE, of("9223372036854775807"));
    assertEquals(Integer.MAX_VALUE, of("18446744073709551615"));
    assertEquals(Integer.MAX_VALUE, of("unlimited"));
  }

  @Test
  void oneThatIsGivenBackTwiceIsOne() {
    var holds = new Holds(1);
    Runnable one = holds.take();
    one.run();
    one.run();
    holds.take();
    assertThrows(GantryException.class, holds::take);
  }
}
