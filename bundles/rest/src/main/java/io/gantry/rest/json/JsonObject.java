package io.gantry.rest.json;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object as Go's decoder reads one into a struct: keys match whatever their case and the
 * last one wins, null is as good as absent, unknown keys do not matter, and a wrong type is refused
 * with Go's sentence.
 */
public final class JsonObject {

  private final String path;
  private final Map<String, @Nullable Object> entries;
  private final Map<String, @Nullable Object> anyCase =
      new TreeMap<>(String.CASE_INSENSITIVE_ORDER);

  private JsonObject(String path, Map<String, @Nullable Object> entries) {
    this.path = path;
    this.entries = entries;
    anyCase.putAll(entries);
  }

  /**
   * @param type what Go calls the outermost struct
   * @throws GantryException INVALID with Go's sentence
   */
  public static JsonObject parse(String text, String type) {
    Object value = JsonParsing.parse(text);
    if (value == null) {
      return empty(type);
    }
    if (value instanceof Map<?, ?> map) {
      return new JsonObject(type, keyed(map));
    }
    throw new GantryException(
        INVALID,
        "invalid JSON: json: cannot unmarshal " + goName(value) + " into Go value of type " + type);
  }

  public static JsonObject empty(String type) {
    return new JsonObject(type, Map.of());
  }

  /** Keys as they were written. */
  public Map<String, @Nullable Object> entries() {
    return Collections.unmodifiableMap(entries);
  }

  public boolean has(String key) {
    return anyCase.get(key) != null;
  }

  public String text(String key) {
    String text = textOrNull(key);
    return text == null ? "" : text;
  }

  public @Nullable String textOrNull(String key) {
    return value(key, "string", JsonObject::asText);
  }

  public boolean flag(String key) {
    return Boolean.TRUE.equals(flagOrNull(key));
  }

  public @Nullable Boolean flagOrNull(String key) {
    return value(key, "bool", (value, type) -> value instanceof Boolean flag ? flag : null);
  }

  public long number(String key) {
    Long number = numberOrNull(key);
    return number == null ? 0 : number;
  }

  public @Nullable Long numberOrNull(String key) {
    return value(key, "int64", JsonObject::asLong);
  }

  /**
   * A number that is not negative.
   *
   * @param type Go's, of which {@code most} is the last
   */
  public long unsigned(String key, String type, long most) {
    long number = number(key);
    if (number < 0 || number > most) {
      throw wrong(key, "number " + number, type);
    }
    return number;
  }

  /** A number of 32 bits at most. */
  public int smallNumber(String key) {
    long number = number(key);
    if (number != (int) number) {
      throw wrong(key, "number " + number, "int");
    }
    return (int) number;
  }

  public List<String> texts(String key) {
    List<String> texts = textsOrNull(key);
    return texts == null ? List.of() : texts;
  }

  public @Nullable List<String> textsOrNull(String key) {
    List<?> list = value(key, "[]string", (value, type) -> value instanceof List<?> l ? l : null);
    if (list == null) {
      return null;
    }
    var texts = new ArrayList<String>(list.size());
    for (Object element : list) {
      texts.add(textOf(key, element));
    }
    return texts;
  }

  /** Lists of texts in a list. */
  public List<List<String>> textLists(String key) {
    List<?> lists =
        value(key, "[][]string", (value, type) -> value instanceof List<?> l ? l : null);
    var all = new ArrayList<List<String>>();
    for (Object list : lists == null ? List.of() : lists) {
      if (list != null && !(list instanceof List<?>)) {
        throw wrong(key, goName(list, "[]string"), "[]string");
      }
      var texts = new ArrayList<String>();
      if (list instanceof List<?> elements) {
        elements.forEach(element -> texts.add(textOf(key, element)));
      }
      all.add(texts);
    }
    return all;
  }

  /**
   * A pair of sizes, as of a console; zeros when there is none. Go ignores what is one too many.
   */
  public int[] pair(String key) {
    List<?> list = value(key, "[2]uint", (value, type) -> value instanceof List<?> l ? l : null);
    int[] pair = new int[2];
    for (int i = 0; list != null && i < Math.min(2, list.size()); i++) {
      pair[i] = sizeOf(key, list.get(i));
    }
    return pair;
  }

  private int sizeOf(String key, @Nullable Object value) {
    if (value == null) {
      return 0;
    }
    Long number = asLong(value, "uint");
    if (number == null || number < 0 || number > Integer.MAX_VALUE) {
      throw wrong(key, goName(value), "uint");
    }
    return number.intValue();
  }

  /** Docker's {@code strslice}: a list of texts, or one text. */
  public @Nullable List<String> wordsOrNull(String key) {
    return anyCase.get(key) instanceof String word ? List.of(word) : textsOrNull(key);
  }

  public Map<String, String> textMap(String key) {
    var map = new LinkedHashMap<String, String>();
    JsonObject object = objectOrNull(key, "map[string]string");
    if (object != null) {
      object.entries.forEach((name, value) -> map.put(name, textOf(key, value)));
    }
    return map;
  }

  /** The nested object, or an empty one. */
  public JsonObject object(String key) {
    JsonObject object = objectOrNull(key);
    return object == null ? empty(path + "." + key) : object;
  }

  public @Nullable JsonObject objectOrNull(String key) {
    return objectOrNull(key, "struct");
  }

  public List<JsonObject> objects(String key) {
    List<?> list = value(key, "[]struct", (value, type) -> value instanceof List<?> l ? l : null);
    if (list == null) {
      return List.of();
    }
    var objects = new ArrayList<JsonObject>(list.size());
    for (Object element : list) {
      objects.add(nested(key, element));
    }
    return objects;
  }

  /** Objects by the key they stand under, as written. */
  public Map<String, JsonObject> objectMap() {
    var map = new LinkedHashMap<String, JsonObject>();
    entries.forEach((key, value) -> map.put(key, nested(key, value)));
    return map;
  }

  /** The value as it was read: text, flag, number, list, map or null. */
  public @Nullable Object raw(String key) {
    return anyCase.get(key);
  }

  private @Nullable JsonObject objectOrNull(String key, String goType) {
    Map<?, ?> map = value(key, goType, (value, type) -> value instanceof Map<?, ?> m ? m : null);
    return map == null ? null : new JsonObject(path + "." + key, keyed(map));
  }

  private JsonObject nested(String key, @Nullable Object value) {
    if (value == null) {
      return empty(path + "." + key);
    }
    if (value instanceof Map<?, ?> map) {
      return new JsonObject(path + "." + key, keyed(map));
    }
    throw wrong(key, goName(value), "struct");
  }

  private String textOf(String key, @Nullable Object value) {
    if (value == null) {
      return "";
    }
    if (value instanceof String text) {
      return text;
    }
    throw wrong(key, goName(value, "string"), "string");
  }

  private <T> @Nullable T value(
      String key, String goType, BiFunction<Object, String, @Nullable T> convert) {
    Object value = anyCase.get(key);
    if (value == null) {
      return null;
    }
    T converted = convert.apply(value, goType);
    if (converted == null) {
      throw wrong(key, goName(value, goType), goType);
    }
    return converted;
  }

  private static @Nullable String asText(Object value, String type) {
    return value instanceof String text ? text : null;
  }

  private static @Nullable Long asLong(Object value, String type) {
    if (!(value instanceof BigDecimal number)) {
      return null;
    }
    try {
      return number.precision() - number.scale() > 20 ? null : number.longValueExact();
    } catch (ArithmeticException e) {
      return null; // a fraction or too large: the caller refuses it in Go's words
    }
  }

  private GantryException wrong(String key, String found, String type) {
    return new GantryException(
        INVALID,
        "invalid JSON: json: cannot unmarshal "
            + found
            + " into Go struct field "
            + path
            + "."
            + key
            + " of type "
            + type);
  }

  /** Go tells a number only where one of another kind is wanted. */
  private static String goName(Object value, String wanted) {
    boolean isNumber = wanted.contains("int") && !wanted.startsWith("[");
    return value instanceof BigDecimal && !isNumber ? "number" : goName(value);
  }

  private static String goName(Object value) {
    if (value instanceof String) {
      return "string";
    }
    if (value instanceof Boolean) {
      return "bool";
    }
    if (value instanceof BigDecimal number) {
      String digits = number.toString();
      return digits.length() > 40 ? "number" : "number " + digits;
    }
    return value instanceof List ? "array" : "object";
  }

  @SuppressWarnings("unchecked") // what JsonParsing makes has texts for keys
  private static Map<String, @Nullable Object> keyed(Map<?, ?> map) {
    return (Map<String, @Nullable Object>) map;
  }
}
