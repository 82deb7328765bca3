package io.gantry.spi.log;

import io.gantry.spi.GantryException;
import io.gantry.spi.Regex;
import java.util.Map;
import java.util.TreeMap;

/**
 * The log options {@code labels}, {@code labels-regex}, {@code env} and {@code env-regex}: what of
 * a container goes with each of its lines.
 */
public final class LogAttributes {

  private LogAttributes() {}

  /**
   * Labels and variables of a container that the options ask for, by name.
   *
   * @throws GantryException INVALID for a pattern that is none, or takes too long to match
   */
  public static Map<String, String> of(LogTarget target, Map<String, String> options) {
    if (options.isEmpty()) {
      return Map.of();
    }
    var chosen = new TreeMap<String, String>();
    named(options.getOrDefault("labels", ""), target.labels(), chosen);
    matching(options.getOrDefault("labels-regex", ""), target.labels(), chosen);
    named(options.getOrDefault("env", ""), target.env(), chosen);
    matching(options.getOrDefault("env-regex", ""), target.env(), chosen);
    return chosen;
  }

  private static void named(String names, Map<String, String> from, Map<String, String> to) {
    if (names.isEmpty()) {
      return;
    }
    for (String name : names.split(",", -1)) {
      String value = from.get(name);
      if (value != null) {
        to.put(name, value);
      }
    }
  }

  private static void matching(String pattern, Map<String, String> from, Map<String, String> to) {
    if (pattern.isEmpty()) {
      return;
    }
    for (String name : Regex.parse(pattern).in(from.keySet())) {
      to.put(name, from.getOrDefault(name, ""));
    }
  }
}
