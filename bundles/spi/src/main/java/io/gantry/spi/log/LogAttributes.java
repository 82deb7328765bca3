package io.gantry.spi.log;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * The log options {@code labels}, {@code labels-regex}, {@code env} and {@code env-regex}: what of
 * a container goes with each of its lines.
 */
public final class LogAttributes {

  private LogAttributes() {}

  /**
   * Labels and variables of a container that the options ask for, by name.
   *
   * @throws GantryException INVALID for a pattern that is none
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
    var wanted = compile(pattern);
    from.forEach(
        (name, value) -> {
          if (wanted.matcher(name).find()) {
            to.put(name, value);
          }
        });
  }

  private static Pattern compile(String pattern) {
    try {
      return Pattern.compile(pattern);
    } catch (PatternSyntaxException e) {
      String reason =
          switch (e.getDescription()) {
            case "Unclosed group" -> "missing closing )";
            case "Unclosed character class" -> "missing closing ]";
            default -> e.getDescription();
          };
      throw new GantryException(
          INVALID, "error parsing regexp: " + reason + ": `" + pattern + "`", e);
    }
  }
}
