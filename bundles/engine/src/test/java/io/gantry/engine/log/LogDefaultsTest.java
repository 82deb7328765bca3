package io.gantry.engine.log;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.engine.config.EngineConfig;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LogDefaultsTest {
  private final List<String> reasons = new ArrayList<>();

  @ParameterizedTest
  @CsvSource({
    "json-file, max-size=x, invalid size: 'x'",
    "json-file, max-size=-1, invalid size: '-1'",
    "json-file, max-file=0, max-file cannot be less than 1",
    "json-file, nosuch=1, unknown log opt 'nosuch' for json-file log driver",
    "json-file, mode=q, logger: logging mode not supported: q",
    "json-file, compress=maybe, 'strconv.ParseBool: parsing \"maybe\": invalid syntax'",
    "local, max-size=x, invalid value for max-size: x: invalid size: 'x'",
    "syslog, max-buffer-size=1m, logger: max-buffer-size option is only supported with"
        + " 'mode=non-blocking'",
    "json-file, x, 'an option of a log is written NAME=VALUE, not x'",
    "json-file, =x, 'an option of a log is written NAME=VALUE, not =x'",
  })
  void whatIsNoneKeepsTheEngineFromStarting(String driver, String option, String reason) {
    new LogDefaults(config(driver, option), reasons::add);
    assertEquals(List.of("failed to set log opts: " + reason), reasons);
  }

  @Test
  void aChangeToWhatIsNoneChangesNothing() {
    var told = new AtomicInteger();
    var defaults = new LogDefaults(config("local", "max-size=5m"), reasons::add);
    defaults.listen(told::incrementAndGet);
    defaults.modified(config("json-file", "max-size=x"));
    assertEquals("local", defaults.driver());
    assertEquals(0, told.get());
    defaults.modified(config("json-file", "max-size=6m"));
    assertEquals("json-file", defaults.driver());
    assertEquals(1, told.get());
    assertEquals(List.of(), reasons);
  }

  @Test
  void withoutALauncherTheEngineGoesOnWithoutThem() {
    assertEquals("json-file", new LogDefaults(config("local", "max-size=x"), null).driver());
  }

  private static EngineConfig config(String driver, String option) {
    var values = Map.<String, Object>of("logDriver", driver, "logOptions", new String[] {option});
    return (EngineConfig)
        Proxy.newProxyInstance(
            EngineConfig.class.getClassLoader(),
            new Class<?>[] {EngineConfig.class},
            (proxy, method, args) ->
                values.getOrDefault(method.getName(), method.getDefaultValue()));
  }
}
