package io.gantry.engine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The sentences are dockerd 28's. */
class LogOptionsTest {
  private static final Map<String, String> CONFIGURED = Map.of("max-size", "1m", "max-file", "3");

  @Test
  void filesHaveSizesInThousands() {
    var options = of("json-file", Map.of("max-size", "10k", "max-file", "2", "compress", "true"));
    assertEquals(10_000, options.maxBytes());
    assertEquals(2, options.maxFiles());
    assertTrue(options.compress());
    assertEquals(0, options.bufferBytes());
  }

  @Test
  void localIsRotatedAndCompressedByItself() {
    var options = of("local", Map.of());
    assertEquals(20 << 20, options.maxBytes());
    assertEquals(5, options.maxFiles());
    assertTrue(options.compress());
    assertEquals(1 << 20, of("local", Map.of("max-size", "1m")).maxBytes());
  }

  @Test
  void noneKeepsNothingWhateverItsOptions() {
    assertFalse(of("none", Map.of("foo", "1")).kept());
    assertEquals(Map.of(), LogOptions.check("none", Map.of("foo", "1", "mode", "x")));
  }

  @Test
  void whatIsConfiguredHoldsForWhoSaysNothing() {
    assertEquals(1_000_000, of("json-file", Map.of(), CONFIGURED).maxBytes());
    assertEquals(3, of("", Map.of("tag", "x"), CONFIGURED).maxFiles());
    assertEquals(1, of("json-file", Map.of("max-size", "5k"), CONFIGURED).maxFiles());
    assertEquals(5, of("json-file", Map.of("max-file", "5"), CONFIGURED).maxFiles());
    assertEquals(20 << 20, of("local", Map.of(), CONFIGURED).maxBytes());
  }

  @Test
  void aLogThatSaysNothingOfItIsRotatedAllTheSame() {
    var rotation = Map.of("max-size", "1m", "max-file", "3");
    var log = new HostSpec.Log("json-file", Map.of("tag", "x"));
    assertEquals(3, LogOptions.of(log, "syslog", Map.of(), rotation).maxFiles());
    assertEquals(Map.of("tag", "x"), LogOptions.of(log, "syslog", Map.of(), rotation).options());
  }

  @Test
  void aShippedLogHasACache() {
    var options = of("syslog", Map.of("cache-max-size", "1m", "cache-max-file", "2"));
    assertEquals(1 << 20, options.maxBytes());
    assertEquals(2, options.maxFiles());
    assertTrue(options.readable());
    assertFalse(of("syslog", Map.of("cache-disabled", "true")).readable());
    assertEquals(20 << 20, of("syslog", Map.of("cache-max-size", "x")).maxBytes());
    assertEquals(
        Map.of("syslog-address", "x"),
        LogOptions.check("syslog", Map.of("syslog-address", "x", "cache-disabled", "1")));
  }

  @Test
  void aBufferIsOneMebibyteUnlessAsked() {
    assertEquals(1 << 20, of("local", Map.of("mode", "non-blocking")).bufferBytes());
    assertEquals(
        4096, of("local", Map.of("mode", "non-blocking", "max-buffer-size", "4k")).bufferBytes());
  }

  @Test
  void namesAreRefusedWhenAContainerIsMade() {
    unknown("unknown log opt 'foo' for json-file log driver", "json-file", Map.of("foo", "1"));
    unknown("unknown log opt 'tag' for log driver local", "local", Map.of("tag", "1"));
    unknown("logger: logging mode not supported: foo", "json-file", Map.of("mode", "foo"));
    unknown(
        "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
        "json-file",
        Map.of("max-buffer-size", "1m"));
    unknown(
        "error parsing option max-buffer-size: invalid size: 'x'",
        "json-file",
        Map.of("mode", "non-blocking", "max-buffer-size", "x"));
    unknown(
        "invalid value for option cache-disabled: x", "json-file", Map.of("cache-disabled", "x"));
  }

  @Test
  void valuesAreRefusedWhenItIsStarted() {
    refused("max-file cannot be less than 1", "json-file", Map.of("max-file", "0"));
    refused("strconv.Atoi: parsing \"x\": invalid syntax", "json-file", Map.of("max-file", "x"));
    refused("invalid size: 'x'", "json-file", Map.of("max-size", "x"));
    refused("invalid size: '-1'", "json-file", Map.of("max-size", "-1"));
    refused("max-size must be a positive number", "json-file", Map.of("max-size", "0"));
    refused(
        "compress cannot be true when max-file is less than 2 or max-size is not set",
        "json-file",
        Map.of("compress", "true"));
    refused(
        "strconv.ParseBool: parsing \"maybe\": invalid syntax",
        "json-file",
        Map.of("compress", "maybe"));
    refused(
        "compression cannot be enabled when max file count is 1", "local", Map.of("max-file", "1"));
    refused(
        "invalid value for max-file: x: strconv.Atoi: parsing \"x\": invalid syntax",
        "local",
        Map.of("max-file", "x"));
    refused("invalid value for max-size: x: invalid size: 'x'", "local", Map.of("max-size", "x"));
    refused("max file count cannot be less than 0", "local", Map.of("max-file", "-1"));
    refused(
        "error reading compress log option: strconv.ParseBool: parsing \"x\": invalid syntax",
        "local",
        Map.of("compress", "x"));
  }

  private static void unknown(String sentence, String driver, Map<String, String> options) {
    var e = assertThrows(GantryException.class, () -> LogOptions.check(driver, options));
    assertEquals(sentence, e.getMessage());
    assertEquals(GantryException.Kind.INVALID, e.kind());
  }

  private static void refused(String sentence, String driver, Map<String, String> options) {
    LogOptions.check(driver, options);
    var e = assertThrows(GantryException.class, () -> of(driver, options));
    assertEquals(sentence, e.getMessage());
  }

  private static LogOptions of(String driver, Map<String, String> options) {
    return of(driver, options, Map.of());
  }

  private static LogOptions of(
      String driver, Map<String, String> options, Map<String, String> configured) {
    return LogOptions.of(new HostSpec.Log(driver, options), "json-file", configured, Map.of());
  }
}
