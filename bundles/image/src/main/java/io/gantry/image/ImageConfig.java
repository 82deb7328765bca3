package io.gantry.image;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gantry.image.layer.Layer;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.io.IOException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of an image, by the OCI image specification; its digest is the image's id.
 *
 * @param diffs digests of the layers' tars, lowest first
 * @param history oldest first
 */
public record ImageConfig(
    String architecture,
    String variant,
    String os,
    @Nullable Instant created,
    String author,
    String comment,
    RunConfig run,
    List<Digest> diffs,
    List<Step> history) {

  /** Larger ones are refused while they are read. */
  public static final int MAX_BYTES = 4 << 20;

  private static final int MAX_LAYERS = 500;
  private static final int MAX_STEPS = 10_000;

  static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(100).build())
                  .build())
          .build();

  /** One step of how the image came to be; an empty layer has no diff. */
  public record Step(
      @Nullable Instant created,
      String createdBy,
      String author,
      String comment,
      boolean emptyLayer) {}

  public ImageConfig {
    diffs = List.copyOf(diffs);
    history = List.copyOf(history);
  }

  /**
   * Reads what a stranger wrote.
   *
   * @throws GantryException INVALID
   */
  public static ImageConfig parse(byte[] json) {
    if (json.length > MAX_BYTES) {
      throw malformed("it is too large");
    }
    JsonNode tree;
    try {
      tree = JSON.readTree(json);
    } catch (IOException e) {
      throw new GantryException(Kind.INVALID, "invalid image configuration: no JSON", e);
    }
    if (!tree.isObject()) {
      throw malformed("no object");
    }
    JsonNode run = tree.path("config");
    return new ImageConfig(
        RunConfig.text(tree, "architecture"),
        RunConfig.text(tree, "variant"),
        RunConfig.text(tree, "os"),
        time(tree),
        RunConfig.text(tree, "author"),
        RunConfig.text(tree, "comment"),
        run.isObject() ? RunConfig.read(run) : RunConfig.EMPTY,
        diffs(tree.path("rootfs")),
        history(tree.path("history")));
  }

  private static @Nullable Instant time(JsonNode json) {
    String text = RunConfig.text(json, "created");
    try {
      return text.isEmpty() ? null : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeParseException e) {
      throw malformed("created is no time");
    }
  }

  private static List<Digest> diffs(JsonNode rootfs) {
    JsonNode ids = rootfs.path("diff_ids");
    if (!RunConfig.text(rootfs, "type").equals("layers")) {
      throw malformed("rootfs is no list of layers");
    }
    if (ids.size() > MAX_LAYERS) {
      throw malformed(
          "max depth exceeded: it has %d layers, at most %d".formatted(ids.size(), MAX_LAYERS));
    }
    List<Digest> diffs = new ArrayList<>();
    ids.forEach(id -> diffs.add(Digest.parse(id.asText())));
    return diffs;
  }

  private static List<Step> history(JsonNode json) {
    if (json.size() > MAX_STEPS) {
      throw malformed("its history is too long");
    }
    List<Step> steps = new ArrayList<>();
    for (JsonNode step : json) {
      steps.add(
          new Step(
              time(step),
              RunConfig.text(step, "created_by"),
              RunConfig.text(step, "author"),
              RunConfig.text(step, "comment"),
              step.path("empty_layer").asBoolean(false)));
    }
    return steps;
  }

  /** The JSON of a configuration made here. */
  public byte[] write() {
    ObjectNode json = JSON.createObjectNode();
    json.put("architecture", architecture);
    putText(json, "variant", variant);
    putText(json, "author", author);
    putText(json, "comment", comment);
    json.set("config", run.write());
    if (created != null) {
      json.put("created", created.toString());
    }
    var steps = json.putArray("history");
    for (Step step : history) {
      ObjectNode one = steps.addObject();
      if (step.created() != null) {
        one.put("created", step.created().toString());
      }
      putText(one, "created_by", step.createdBy());
      putText(one, "author", step.author());
      putText(one, "comment", step.comment());
      if (step.emptyLayer()) {
        one.put("empty_layer", true);
      }
    }
    json.put("os", os);
    var ids = json.putObject("rootfs").put("type", "layers").putArray("diff_ids");
    diffs.forEach(diff -> ids.add(diff.toString()));
    try {
      return JSON.writeValueAsBytes(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // a tree of strings can always be written
    }
  }

  private static void putText(ObjectNode json, String field, String value) {
    if (!value.isEmpty()) {
      json.put(field, value);
    }
  }

  /** Chain ids of the layers, lowest first. */
  public List<Digest> chains() {
    List<Digest> chains = new ArrayList<>();
    Digest below = null;
    for (Digest diff : diffs) {
      below = Layer.chain(below, diff);
      chains.add(below);
    }
    return chains;
  }

  static JsonNode tree(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new GantryException(Kind.INVALID, "invalid JSON: " + json, e);
    }
  }

  static GantryException malformed(String reason) {
    return new GantryException(Kind.INVALID, "invalid image configuration: " + reason);
  }
}
