package io.gantry.engine.config;

import static io.gantry.spi.GantryException.Kind.INVALID;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.osgi.service.metatype.AttributeDefinition;
import org.osgi.service.metatype.ObjectClassDefinition;

/** The form of one PID's configuration: which keys there are, of which type, with which limits. */
final class ConfigForm {

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
          .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final long MAX_BYTES = 1 << 20;

  private final Map<String, AttributeDefinition> attributes = new TreeMap<>();

  ConfigForm(ObjectClassDefinition definition) {
    for (var attribute : definition.getAttributeDefinitions(ObjectClassDefinition.ALL)) {
      attributes.put(attribute.getID(), attribute);
    }
  }

  Set<String> keys() {
    return attributes.keySet();
  }

  /**
   * The values of a file.
   *
   * @throws GantryException naming file, key and reason
   */
  Map<String, Object> read(Path file) {
    try {
      Trusted.check(file);
      Trusted.check(file.resolveSibling("."));
      if (!Files.isRegularFile(file)) { // reading a FIFO or a device would not end
        throw new GantryException(INVALID, file + " is not a regular file");
      }
      if (Files.size(file) > MAX_BYTES) {
        throw new GantryException(INVALID, file + " is larger than " + MAX_BYTES + " bytes");
      }
      return values(file, JSON.readTree(Files.readAllBytes(file)));
    } catch (JsonProcessingException e) {
      throw new GantryException(INVALID, file + place(e) + ": " + words(e), e);
    } catch (IOException e) {
      throw new GantryException(INVALID, file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private Map<String, Object> values(Path file, JsonNode json) {
    Map<String, Object> values = new HashMap<>();
    if (json.isMissingNode()) {
      return values; // nothing but comments
    }
    if (!json.isObject()) {
      throw new GantryException(INVALID, file + ": expected an object: { \"key\": value, … }");
    }
    for (var entry : json.properties()) {
      values.put(entry.getKey(), value(file.toString(), entry.getKey(), entry.getValue()));
    }
    return values;
  }

  private static String place(JsonProcessingException e) {
    var at = e.getLocation();
    return at == null ? "" : ":" + at.getLineNr() + ":" + at.getColumnNr();
  }

  /** What Jackson says, without what it says about itself. */
  private static String words(JsonProcessingException e) {
    return e.getOriginalMessage().split(" \\(start marker", 2)[0];
  }

  /** One value, given as JSON text. */
  Object value(String source, String key, String json) {
    try {
      return value(source, key, JSON.readTree(json));
    } catch (JsonProcessingException e) {
      throw new GantryException(INVALID, source + ": " + words(e), e);
    }
  }

  private Object value(String source, String key, JsonNode json) {
    AttributeDefinition attribute = attributes.get(key);
    if (attribute == null) {
      throw bad(source, key, "there is no such key; there are " + String.join(", ", keys()));
    }
    if (attribute.getCardinality() == 0) {
      return scalar(source, attribute, json);
    }
    if (!json.isArray()) {
      throw bad(source, key, "expected a list of " + plural(attribute) + ", found " + json);
    }
    Object array = Array.newInstance(arrayType(attribute), json.size());
    for (int i = 0; i < json.size(); i++) {
      Array.set(array, i, scalar(source, attribute, json.get(i)));
    }
    return array;
  }

  private static Object scalar(String source, AttributeDefinition attribute, JsonNode json) {
    Object value = typed(attribute, json);
    if (value == null) {
      throw bad(source, attribute.getID(), "expected " + type(attribute) + ", found " + json);
    }
    String complaint = attribute.validate(json.asText());
    if (complaint != null && !complaint.isEmpty()) {
      throw bad(source, attribute.getID(), limits(attribute, complaint) + ", found " + json);
    }
    return value;
  }

  private static @Nullable Object typed(AttributeDefinition attribute, JsonNode json) {
    return switch (attribute.getType()) {
      case AttributeDefinition.STRING, AttributeDefinition.PASSWORD ->
          json.isTextual() ? json.textValue() : null;
      case AttributeDefinition.BOOLEAN -> json.isBoolean() ? json.booleanValue() : null;
      case AttributeDefinition.INTEGER ->
          json.canConvertToInt() && json.isIntegralNumber() ? json.intValue() : null;
      case AttributeDefinition.LONG ->
          json.canConvertToLong() && json.isIntegralNumber() ? json.longValue() : null;
      case AttributeDefinition.DOUBLE -> json.isNumber() ? json.doubleValue() : null;
      default -> null;
    };
  }

  private static Class<?> arrayType(AttributeDefinition attribute) {
    return switch (attribute.getType()) {
      case AttributeDefinition.BOOLEAN -> Boolean.class;
      case AttributeDefinition.INTEGER -> Integer.class;
      case AttributeDefinition.LONG -> Long.class;
      case AttributeDefinition.DOUBLE -> Double.class;
      default -> String.class;
    };
  }

  private static String type(AttributeDefinition attribute) {
    return switch (attribute.getType()) {
      case AttributeDefinition.STRING, AttributeDefinition.PASSWORD -> "a text in quotes";
      case AttributeDefinition.BOOLEAN -> "true or false";
      case AttributeDefinition.INTEGER, AttributeDefinition.LONG -> "a whole number";
      case AttributeDefinition.DOUBLE -> "a number";
      default -> "a type that files cannot hold";
    };
  }

  private static String plural(AttributeDefinition attribute) {
    return switch (attribute.getType()) {
      case AttributeDefinition.STRING, AttributeDefinition.PASSWORD -> "texts in quotes";
      case AttributeDefinition.BOOLEAN -> "true or false";
      default -> "numbers";
    };
  }

  private static String limits(AttributeDefinition attribute, String complaint) {
    String[] options = attribute.getOptionValues();
    return options != null && options.length > 0
        ? "expected one of " + String.join(", ", options)
        : complaint;
  }

  private static GantryException bad(String source, String key, String reason) {
    return new GantryException(INVALID, source + ": key \"" + key + "\": " + reason);
  }
}
