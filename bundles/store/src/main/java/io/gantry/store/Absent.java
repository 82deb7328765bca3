package io.gantry.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a record written by a former version lacks is nothing of its kind: 0, false, an empty text,
 * list or map, a record of such; null where the component may be. Anything else must be there.
 */
final class Absent {

  /** Reflection costs more than the reading itself, and a start-up reads thousands. */
  private static final ClassValue<List<Component>> COMPONENTS =
      new ClassValue<>() {
        @Override
        protected List<Component> computeValue(Class<?> of) {
          return Arrays.stream(of.getRecordComponents()).map(Component::of).toList();
        }
      };

  private record Component(String name, Type type, boolean mayBeNull) {

    static Component of(RecordComponent component) {
      var type = component.getAnnotatedType();
      return new Component(
          component.getName(), type.getType(), type.isAnnotationPresent(Nullable.class));
    }
  }

  private Absent() {}

  /** Adds what is missing in the JSON of a value, and in that of the values within. */
  static void fill(JsonNode json, Type type) {
    if (type instanceof ParameterizedType generic) {
      Type content = generic.getActualTypeArguments()[generic.getActualTypeArguments().length - 1];
      json.forEach(each -> fill(each, content));
    } else if (type instanceof Class<?> of && of.isRecord() && json instanceof ObjectNode object) {
      COMPONENTS.get(of).forEach(component -> fill(object, component));
    }
  }

  private static void fill(ObjectNode json, Component component) {
    JsonNode there = json.get(component.name());
    if (there != null) {
      fill(there, component.type());
    } else if (!component.mayBeNull()) {
      nothing(json, component.name(), component.type());
    }
  }

  private static void nothing(ObjectNode json, String name, Type type) {
    Class<?> of = raw(type);
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
