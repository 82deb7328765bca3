package io.gantry.image.manifest;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.gantry.linux.Names;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON that a stranger wrote. What is asked for has the type it should have, or the document is
 * refused; lists and maps are no longer than the caller says.
 *
 * @param name for messages
 */
public record Document(JsonNode json, String name) {

  public static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(100).build())
                  .build())
          .build();

  public static Document parse(byte[] json, String name) {
    try {
      JsonNode tree = JSON.readTree(json);
      if (tree == null || !tree.isContainerNode()) {
        throw new Document(JSON.nullNode(), name).malformed("no object");
      }
      return new Document(tree, name);
    } catch (IOException e) {
      throw new GantryException(Kind.INVALID, "invalid " + Names.printable(name) + ": no JSON", e);
    }
  }

  public boolean has(String field) {
    return json.hasNonNull(field);
  }

  /** Empty when there is none. */
  public String text(String field) {
    JsonNode value = json.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return "";
    }
    if (!value.isTextual()) {
      throw malformed(field + " is no string");
    }
    return value.textValue();
  }

  public Digest digest(String field) {
    return Digest.parse(text(field));
  }

  /** -1 when there is none. */
  public long size(String field) {
    JsonNode value = json.path(field);
    if (value.isMissingNode()) {
      return -1;
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
      throw malformed(field + " is no size");
    }
    return value.longValue();
  }

  /** An empty one when there is none. */
  public Document object(String field) {
    JsonNode value = json.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return new Document(JSON.createObjectNode(), name);
    }
    if (!value.isObject()) {
      throw malformed(field + " is no object");
    }
    return new Document(value, name);
  }

  /** The elements of an array that is the document itself. */
  public List<Document> elements(int most) {
    return elements(json, "it", most);
  }

  public List<Document> list(String field, int most) {
    JsonNode value = json.path(field);
    return value.isMissingNode() || value.isNull() ? List.of() : elements(value, field, most);
  }

  private List<Document> elements(JsonNode array, String field, int most) {
    if (!array.isArray() || array.size() > most) {
      throw malformed(field + " is no list of at most " + most);
    }
    List<Document> all = new ArrayList<>();
    for (JsonNode element : array) {
      if (!element.isObject()) {
        throw malformed(field + " is no list of objects");
      }
      all.add(new Document(element, name));
    }
    return all;
  }

  public List<String> texts(String field, int most) {
    JsonNode value = json.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return List.of();
    }
    if (!value.isArray() || value.size() > most) {
      throw malformed(field + " is no list of at most " + most);
    }
    List<String> all = new ArrayList<>();
    for (JsonNode element : value) {
      if (!element.isTextual()) {
        throw malformed(field + " is no list of strings");
      }
      all.add(element.textValue());
    }
    return all;
  }

  /** The fields of the document itself, which are objects. */
  public Map<String, Document> fields(int most) {
    if (!json.isObject() || json.size() > most) {
      throw malformed("no object of at most " + most + " fields");
    }
    Map<String, Document> all = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (!field.getValue().isObject()) {
        throw malformed(field.getKey() + " is no object");
      }
      all.put(field.getKey(), new Document(field.getValue(), name));
    }
    return all;
  }

  public GantryException malformed(String reason) {
    return new GantryException(
        Kind.INVALID, "invalid " + Names.printable(name) + ": " + Names.printable(reason));
  }
}
