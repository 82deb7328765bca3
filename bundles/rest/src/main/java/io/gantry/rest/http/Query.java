package io.gantry.rest.http;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parameters behind the question mark, read as Docker reads them. */
public final class Query {

  private static final Set<String> NO = Set.of("", "0", "no", "false", "none");

  private final Map<String, List<String>> values;

  private Query(Map<String, List<String>> values) {
    this.values = values;
  }

  static Query parse(@Nullable String query) {
    var values = new LinkedHashMap<String, List<String>>();
    if (query != null) {
      for (String pair : query.split("&")) {
        if (!pair.isEmpty()) {
          int equals = pair.indexOf('=');
          String name = decode(equals < 0 ? pair : pair.substring(0, equals));
          String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
          values.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
        }
      }
    }
    return new Query(values);
  }

  public boolean has(String name) {
    return values.containsKey(name);
  }

  /** The first value, or the empty text. */
  public String text(String name) {
    return values.getOrDefault(name, List.of("")).get(0);
  }

  public List<String> texts(String name) {
    return List.copyOf(values.getOrDefault(name, List.of()));
  }

  /** True but for the words that mean no. */
  public boolean flag(String name) {
    return !NO.contains(text(name).strip().toLowerCase(Locale.ROOT));
  }

  public boolean flag(String name, boolean otherwise) {
    return has(name) ? flag(name) : otherwise;
  }

  /** A whole number, or null when there is none; Go's sentence for anything else. */
  public @Nullable Integer number(String name) {
    String text = text(name);
    if (text.isEmpty()) {
      return null;
    }
    try {
      return Integer.valueOf(text);
    } catch (NumberFormatException e) {
      throw new GantryException(
          INVALID, "strconv.Atoi: parsing \"" + text + "\": invalid syntax", e);
    }
  }

  private static String decode(String text) {
    try {
      String decoded = URLDecoder.decode(text, StandardCharsets.UTF_8);
      if (decoded.indexOf('\0') >= 0) {
        throw new GantryException(INVALID, "a parameter holds a zero byte");
      }
      return decoded;
    } catch (IllegalArgumentException e) {
      throw new GantryException(INVALID, "invalid URL escape in \"" + text + "\"", e);
    }
  }
}
