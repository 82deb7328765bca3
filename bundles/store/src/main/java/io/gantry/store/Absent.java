package io.gantry.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a record written by a former version lacks is nothing of its kind: 0, false, an empty text,
 * list or map, a record of such; null where the component may be. Anything else must be there.
 */
final class Absent {

  private Absent() {}

  /** Adds what is missing in the JSON of a value, and in that of the values within. */
  static void fill(JsonNode json, Type type) {
    if (type instanceof ParameterizedType generic) {
      Type content = generic.getActualTypeArguments()[generic.getActualTypeArguments().length - 1];
      json.forEach(each -> fill(each, content));
    } else if (type instanceof Class<?> of && of.isRecord() && json instanceof ObjectNode object) {
      for (var component : of.getRecordComponents()) {
        fill(object, component.getName(), component.getAnnotatedType());
      }
    }
  }

  private static void fill(ObjectNode json, String name, AnnotatedType type) {
    JsonNode there = json.get(name);
    if (there != null) {
      fill(there, type.getType());
    } else if (!type.isAnnotationPresent(Nullable.class)) {
      nothing(json, name, type);
    }
  }

  private static void nothing(ObjectNode json, String name, AnnotatedType type) {
    Class<?> of = raw(type.getType());
    if (of == boolean.class) {
      json.put(name, false);
    } else if (of.isPrimitive()) {
      json.put(name, 0);
    } else if (of == String.class) {
      json.put(name, "");
    } else if (Collection.class.isAssignableFrom(of)) {
      json.putArray(name);
    } else if (Map.class.isAssignableFrom(of)) {
      json.putObject(name);
    } else if (of.isRecord()) {
      fill(json.putObject(name), of);
    }
  }

  private static Class<?> raw(Type type) {
    return (Class<?>) (type instanceof ParameterizedType generic ? generic.getRawType() : type);
  }
}
