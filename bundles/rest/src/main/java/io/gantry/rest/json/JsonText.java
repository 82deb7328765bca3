package io.gantry.rest.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Writes maps, lists, texts, numbers and flags as JSON. */
public final class JsonText {

  private static final JsonFactory FACTORY = new JsonFactory();

  private JsonText() {}

  /** JSON that is text already and goes out as it is. */
  public record Raw(String json) {}

  public static String of(@Nullable Object value) {
    var text = new StringWriter();
    try (var out = FACTORY.createGenerator(text)) {
      write(out, value);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a StringWriter does not fail
    }
    return text.toString();
  }

  /** UTF-8 with the line feed that Go's encoder ends a value with. */
  public static byte[] line(@Nullable Object value) {
    return (of(value) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** An object with its keys in this order: key, value, key, value … */
  public static Map<String, @Nullable Object> object(@Nullable Object... keysAndValues) {
    var object = new LinkedHashMap<String, @Nullable Object>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      object.put((String) java.util.Objects.requireNonNull(keysAndValues[i]), keysAndValues[i + 1]);
    }
    return object;
  }

  /** A map as Go writes it: sorted by key. */
  public static <V> Map<String, V> sorted(Map<String, V> map) {
    return new TreeMap<>(map);
  }

  private static void write(JsonGenerator out, @Nullable Object value) throws IOException {
    if (value instanceof Map<?, ?> map) {
      out.writeStartObject();
      for (var entry : map.entrySet()) {
        out.writeFieldName((String) entry.getKey());
        write(out, entry.getValue());
      }
      out.writeEndObject();
    } else if (value instanceof Iterable<?> list) {
      out.writeStartArray();
      for (var element : list) {
        write(out, element);
      }
      out.writeEndArray();
    } else if (value instanceof Raw raw) {
      out.writeRawValue(raw.json());
    } else if (value instanceof Double number) {
      out.writeNumber(number);
    } else if (value instanceof BigInteger number) {
      out.writeNumber(number);
    } else if (value instanceof Number number) {
      out.writeNumber(number.longValue());
    } else if (value instanceof Boolean flag) {
      out.writeBoolean(flag);
    } else if (value == null) {
      out.writeNull();
    } else {
      out.writeString(value.toString());
    }
  }
}
