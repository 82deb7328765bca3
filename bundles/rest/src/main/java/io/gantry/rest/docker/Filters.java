package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import io.gantry.spi.Regex;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The {@code filters} parameter, in both forms: {@code {"label":["a"]}} and {@code
 * {"label":{"a":true}}}. Values of one key are alternatives, keys must hold all together.
 */
public final class Filters {

  private static final Set<String> TRUE = Set.of("1", "true", "True", "TRUE");
  private static final Set<String> FALSE = Set.of("0", "false", "False", "FALSE");

  private final Map<String, List<String>> values;
  private final Map<String, Optional<Regex>> patterns = new ConcurrentHashMap<>();

  private Filters(Map<String, List<String>> values) {
    this.values = values;
  }

  /** Whatever the keys are. */
  public static Filters parse(String text) {
    var values = new LinkedHashMap<String, List<String>>();
    if (!text.isEmpty()) {
      try {
        JsonObject.parse(text, "Args")
            .entries()
            .forEach((key, value) -> values.put(key, list(value)));
      } catch (GantryException e) {
        throw new GantryException(INVALID, "invalid filter", e);
      }
    }
    return new Filters(values);
  }

  /** With no keys but these. */
  public static Filters parse(String text, Set<String> allowed) {
    Filters filters = parse(text);
    for (String key : filters.values.keySet()) {
      if (!allowed.contains(key)) {
        throw new GantryException(INVALID, "invalid filter '" + key + "'");
      }
    }
    return filters;
  }

  private static List<String> list(Object value) {
    var list = new ArrayList<String>();
    if (value instanceof List<?> elements) {
      for (Object element : elements) {
        list.add(text(element));
      }
    } else if (value instanceof Map<?, ?> set) {
      set.forEach(
          (key, on) -> {
            if (!(on instanceof Boolean flag)) {
              throw new GantryException(INVALID, "invalid filter");
            }
            if (flag) {
              list.add(text(key));
            }
          });
    } else {
      throw new GantryException(INVALID, "invalid filter");
    }
    return list;
  }

  private static String text(Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw new GantryException(INVALID, "invalid filter");
  }

  public boolean has(String key) {
    return !values.getOrDefault(key, List.of()).isEmpty();
  }

  public List<String> get(String key) {
    return List.copyOf(values.getOrDefault(key, List.of()));
  }

  /** Nothing asked, or one of the values is equal. */
  public boolean allows(String key, String value) {
    return !has(key) || get(key).contains(value);
  }

  /** Nothing asked, or one of the values is equal to it or is a regular expression found in it. */
  public boolean matches(String key, String value) {
    return !has(key) || get(key).stream().anyMatch(pattern -> matchesOne(pattern, value));
  }

  /** Nothing asked, or one of the values begins it. */
  public boolean begins(String key, String value) {
    return !has(key) || get(key).stream().anyMatch(value::startsWith);
  }

  /** All of {@code key} or {@code key=value} hold; of {@code label!} none does. */
  public boolean labels(Map<String, String> labels) {
    return get("label").stream().allMatch(label -> hasLabel(labels, label))
        && get("label!").stream().noneMatch(label -> hasLabel(labels, label));
  }

  /** What a yes-or-no filter asks for; the given value when it is not there. */
  public boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    String value = get(key).get(0);
    if (get(key).size() > 1 || !(TRUE.contains(value) || FALSE.contains(value))) {
      throw new GantryException(INVALID, "invalid filter '" + key + "=" + get(key) + "'");
    }
    return TRUE.contains(value);
  }

  /** The one moment that {@code until} gives; null for none. */
  public @Nullable Instant until(Instant now) {
    var asked = get("until");
    if (asked.size() > 1) {
      throw new GantryException(INVALID, "more than one until filter specified");
    }
    if (asked.isEmpty()) {
      return null;
    }
    try {
      return GoTime.parse("until", asked.get(0), now);
    } catch (GantryException e) {
      throw new GantryException(
          INVALID, "failed to parse value as time or duration: \"" + asked.get(0) + "\"", e);
    }
  }

  private static boolean hasLabel(Map<String, String> labels, String asked) {
    int equals = asked.indexOf('=');
    if (equals < 0) {
      return labels.containsKey(asked);
    }
    return asked.substring(equals + 1).equals(labels.get(asked.substring(0, equals)));
  }

  private boolean matchesOne(String pattern, String value) {
    return pattern.equals(value)
        || patterns
            .computeIfAbsent(pattern, Filters::pattern)
            .map(regex -> regex.in(List.of(value)))
            .filter(found -> !found.isEmpty())
            .isPresent();
  }

  /** As with dockerd one that is no expression is found nowhere. */
  private static Optional<Regex> pattern(String text) {
    try {
      return Optional.of(Regex.parse(text));
    } catch (GantryException e) {
      return Optional.empty();
    }
  }
}
