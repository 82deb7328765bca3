package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Where the lines of a container go.
 *
 * @param driver empty: the engine's choice
 * @param cut whether the oldest ones may be rotated away
 */
record LogKind(String driver, Map<String, String> options, boolean cut) {
  static final LogKind PLAIN = new LogKind("", Map.of(), false);

  /** A round of the load prints a few times as much. */
  private static final String SIZE = "4k";

  private static final String NONE_IS_LOST = "1000";
  private static final String SYSLOG = "syslog";

  /**
   * @param listener where syslog messages go
   */
  static LogKind any(Random random, String listener) {
    Map<String, String> rotation = new TreeMap<>(Map.of("max-size", SIZE));
    rotation.put("compress", Boolean.toString(random.nextBoolean()));
    switch (random.nextInt(8)) {
      case 0, 1 -> {
        rotation.put("max-file", NONE_IS_LOST);
        return new LogKind("json-file", rotation, false);
      }
      case 2 -> {
        rotation.put("max-file", "3");
        return new LogKind("json-file", rotation, true);
      }
      case 3 -> {
        rotation.put("max-file", NONE_IS_LOST);
        return new LogKind("local", rotation, false);
      }
      case 4, 5 -> {
        return new LogKind(
            SYSLOG,
            Map.of(
                "syslog-address", listener, "syslog-format", "rfc5424micro", "tag", "{{.FullID}}"),
            false);
      }
      default -> {
        return PLAIN;
      }
    }
  }

  boolean isShipped() {
    return driver.equals(SYSLOG);
  }

  void ask(ObjectNode host) {
    if (!driver.isEmpty()) {
      ObjectNode config = host.putObject("LogConfig");
      config.put("Type", driver);
      ObjectNode members = config.putObject("Config");
      options.forEach(members::put);
    }
  }
}
