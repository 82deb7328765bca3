package io.gantry.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;

/**
 * The fields of a stored record that this version does not know, at every depth of its objects, so
 * that they can be written back. What stands inside an array is the array's.
 */
record Unknown(Map<String, JsonNode> fields, Map<String, Unknown> nested) {

  static final Unknown NONE = new Unknown(Map.of(), Map.of());

  Unknown {
    fields = Map.copyOf(fields);
    nested = Map.copyOf(nested);
  }

  /**
   * @param stored as it was on disk
   * @param known what this version writes for the value it read from it
   */
  static Unknown of(ObjectNode stored, ObjectNode known) {
    Map<String, JsonNode> fields = new HashMap<>();
    Map<String, Unknown> nested = new HashMap<>();
    stored
        .properties()
        .forEach(
            field -> {
              JsonNode mine = known.get(field.getKey());
              if (mine == null) {
                fields.put(field.getKey(), field.getValue());
              } else if (mine instanceof ObjectNode inner
                  && field.getValue() instanceof ObjectNode storedInner) {
                Unknown below = of(storedInner, inner);
                if (!below.equals(NONE)) {
                  nested.put(field.getKey(), below);
                }
              }
            });
    return fields.isEmpty() && nested.isEmpty() ? NONE : new Unknown(fields, nested);
  }

  void addTo(ObjectNode json) {
    fields.forEach(json::putIfAbsent);
    nested.forEach(
        (name, below) -> {
          if (json.get(name) instanceof ObjectNode inner) {
            below.addTo(inner);
          }
        });
  }
}
