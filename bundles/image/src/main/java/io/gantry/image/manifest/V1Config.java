package io.gantry.image.manifest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gantry.store.Digest;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of an image in place of the documents that images had before Docker 1.10, one
 * for each step, and the other way round. Equal documents and layers make equal configurations.
 */
public final class V1Config {

  private static final int MOST_WORDS = 10_000;
  private static final Set<String> OF_V1_ONLY =
      Set.of("id", "parent", "Size", "parent_id", "layer_id", "throwaway");

  private final ArrayNode history = Document.JSON.createArrayNode();
  private final ArrayNode diffs = Document.JSON.createArrayNode();

  /**
   * Adds a step; the lowest comes first.
   *
   * @param diff digest of its layer's tar, or null when it has none
   */
  public void add(Document v1, @Nullable Digest diff) {
    ObjectNode step = history.addObject();
    copy(v1, "created", step);
    copy(v1, "author", step);
    List<String> command = v1.object("container_config").texts("Cmd", MOST_WORDS);
    if (!command.isEmpty()) {
      step.put("created_by", String.join(" ", command));
    }
    copy(v1, "comment", step);
    if (diff == null) {
      step.put("empty_layer", true);
    } else {
      diffs.add(diff.toString());
    }
  }

  private static void copy(Document from, String field, ObjectNode to) {
    String text = from.text(field);
    if (!text.isEmpty()) {
      to.put(field, text);
    }
  }

  /**
   * The configuration, when all steps have been added.
   *
   * @param top document of the last step
   */
  public byte[] write(Document top) {
    Map<String, JsonNode> fields = new TreeMap<>();
    for (var field : top.json().properties()) {
      if (!OF_V1_ONLY.contains(field.getKey())) {
        fields.put(field.getKey(), field.getValue());
      }
    }
    ObjectNode rootfs = Document.JSON.createObjectNode().put("type", "layers");
    rootfs.set("diff_ids", diffs);
    fields.put("rootfs", rootfs);
    fields.put("history", history);
    return bytes(fields);
  }

  /**
   * The document of an image by its configuration.
   *
   * @param id 64 hexadecimal digits
   * @param parent as {@code id}, or empty
   */
  public static byte[] document(Document config, String id, String parent) {
    Map<String, JsonNode> fields = new TreeMap<>();
    for (var field : config.json().properties()) {
      fields.put(field.getKey(), field.getValue());
    }
    fields.remove("rootfs");
    fields.remove("history");
    return document(fields, id, parent);
  }

  /** The document of a step that only holds a layer. */
  public static byte[] document(String id, String parent) {
    return document(new TreeMap<>(), id, parent);
  }

  private static byte[] document(Map<String, JsonNode> fields, String id, String parent) {
    fields.put("id", Document.JSON.getNodeFactory().textNode(id));
    if (!parent.isEmpty()) {
      fields.put("parent", Document.JSON.getNodeFactory().textNode(parent));
    }
    return bytes(fields);
  }

  private static byte[] bytes(Map<String, JsonNode> fields) {
    try {
      return Document.JSON.writeValueAsBytes(fields);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // a tree can always be written
    }
  }
}
