package io.gantry.spi.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class LogAttributesTest {

  @Test
  void namesAndPatternsChoose() {
    assertEquals(
        Map.of("a", "1", "com.x", "2", "E", "4"),
        LogAttributes.of(
            target(Map.of("a", "1", "com.x", "2", "b", "3"), Map.of("E", "4", "f", "5")),
            Map.of("labels", "a", "labels-regex", "^com\\.", "env-regex", "^[[:upper:]]$")));
  }

  @Test
  @Timeout(10)
  void noPatternTakesForEver() {
    var labels = Map.of("x".repeat(60), "1");
    assertEquals(
        Map.of(), LogAttributes.of(target(labels, Map.of()), Map.of("labels-regex", "(x+x+)+y")));
    assertThrows(
        GantryException.class,
        () ->
            LogAttributes.of(
                target(labels, Map.of()),
                Map.of("labels-regex", "((){2000000000}){2000000000}(x+x+)+y")));
  }

  @Test
  @Timeout(10)
  void manyNamesTogetherMayNotTakeLongEither() {
    var env = new HashMap<String, String>();
    for (int i = 0; i < 1000; i++) {
      env.put("NAME" + i + "x".repeat(200), "1");
    }
    assertThrows(
        GantryException.class,
        () -> LogAttributes.of(target(Map.of(), env), Map.of("env-regex", "(.?){200}y")));
  }

  private static LogTarget target(Map<String, String> labels, Map<String, String> env) {
    return new LogTarget("0".repeat(64), "web", "sha256:0", "image", labels, env);
  }
}
