package io.gantry.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The fields of a stored record that this version does not know, at every depth of its objects and
 * in objects of its arrays, so that they can be written back. Those of an array's object stay with
 * it as long as what is known of it stays as it was, wherever it stands.
 */
record Unknown(
    Map<String, JsonNode> fields, Map<String, Unknown> nested, Map<String, List<Element>> lists) {

  static final Unknown NONE = new Unknown(Map.of(), Map.of(), Map.of());

  /**
   * @param known what this version writes for this object of an array
   */
  record Element(ObjectNode known, Unknown below) {}

  Unknown {
    fields = inOrder(fields);
    nested = inOrder(nested);
    lists = inOrder(lists);
  }

  /** So that they are written in the order they were found in. */
  private static <V> Map<String, V> inOrder(Map<String, V> all) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(all));
  }

  /**
   * @param stored as it was on disk
   * @param known what this version writes for the value it read from it
   */
  static Unknown of(ObjectNode stored, ObjectNode known) {
    Map<String, JsonNode> fields = new LinkedHashMap<>();
    Map<String, Unknown> nested = new LinkedHashMap<>();
    Map<String, List<Element>> lists = new LinkedHashMap<>();
    for (var field : stored.properties()) {
      String name = field.getKey();
      JsonNode mine = known.get(name);
      if (mine == null) {
        fields.put(name, field.getValue());
      } else if (mine instanceof ObjectNode inner
          && field.getValue() instanceof ObjectNode storedInner) {
        Unknown below = of(storedInner, inner);
        if (!below.equals(NONE)) {
          nested.put(name, below);
        }
      } else if (mine instanceof ArrayNode inner
          && field.getValue() instanceof ArrayNode storedInner) {
        List<Element> elements = elements(storedInner, inner);
        if (!elements.isEmpty()) {
          lists.put(name, elements);
        }
      }
    }
    return fields.isEmpty() && nested.isEmpty() && lists.isEmpty()
        ? NONE
        : new Unknown(fields, nested, lists);
  }

  private static List<Element> elements(ArrayNode stored, ArrayNode known) {
    List<Element> elements = new ArrayList<>();
    for (int i = 0; stored.size() == known.size() && i < known.size(); i++) {
      if (stored.get(i) instanceof ObjectNode theirs
          && known.get(i) instanceof ObjectNode mine
          && agree(theirs, mine)) { // a set may be written in another order
        Unknown below = of(theirs, mine);
        if (!below.equals(NONE)) {
          elements.add(new Element(mine, below));
        }
      }
    }
    return List.copyOf(elements);
  }

  private static boolean agree(ObjectNode stored, ObjectNode known) {
    return known.properties().stream()
        .filter(field -> stored.has(field.getKey()))
        .allMatch(field -> agree(stored.get(field.getKey()), field.getValue()));
  }

  private static boolean agree(JsonNode stored, JsonNode known) {
    return stored instanceof ObjectNode theirs && known instanceof ObjectNode mine
        ? agree(theirs, mine)
        : stored.size() == known.size() && stored.asText().equals(known.asText());
  }

  void addTo(ObjectNode json) {
    fields.forEach(json::putIfAbsent);
    nested.forEach(
        (name, below) -> {
          if (json.get(name) instanceof ObjectNode inner) {
            below.addTo(inner);
          }
        });
    lists.forEach(
        (name, elements) -> {
          if (json.get(name) instanceof ArrayNode inner) {
            inner.forEach(element -> addTo(element, elements));
          }
        });
  }

  private static void addTo(JsonNode element, List<Element> elements) {
    if (element instanceof ObjectNode json) {
      elements.stream()
          .filter(one -> one.known().equals(json))
          .findFirst()
          .ifPresent(one -> one.below().addTo(json));
    }
  }
}
