package io.gantry.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What containers take over from an image: the {@code config} of its configuration.
 *
 * @param exposedPorts {@code 80/tcp}, sorted
 * @param env {@code NAME=value} in order
 * @param entrypoint null when the image says nothing
 * @param cmd null when the image says nothing
 * @param volumes paths, sorted
 * @param labels in the image's order
 * @param shell null when the image says nothing
 * @param onBuild null when the image says nothing
 * @param healthcheck JSON object, or empty
 */
public record RunConfig(
    String user,
    List<String> exposedPorts,
    List<String> env,
    @Nullable List<String> entrypoint,
    @Nullable List<String> cmd,
    List<String> volumes,
    String workingDir,
    Map<String, String> labels,
    String stopSignal,
    @Nullable List<String> shell,
    @Nullable List<String> onBuild,
    String healthcheck) {

  /** Image configurations with more than that in a list are refused. */
  private static final int MOST = 100_000;

  public static final RunConfig EMPTY =
      new RunConfig(
          "", List.of(), List.of(), null, null, List.of(), "", Map.of(), "", null, null, "");

  public RunConfig {
    exposedPorts = exposedPorts.stream().sorted().toList();
    env = List.copyOf(env);
    entrypoint = entrypoint == null ? null : List.copyOf(entrypoint);
    cmd = cmd == null ? null : List.copyOf(cmd);
    volumes = volumes.stream().sorted().toList();
    labels = Collections.unmodifiableMap(new LinkedHashMap<>(labels));
    shell = shell == null ? null : List.copyOf(shell);
    onBuild = onBuild == null ? null : List.copyOf(onBuild);
  }

  /** Reads what a stranger wrote; values of another type than they should have are refused. */
  static RunConfig read(JsonNode json) {
    return new RunConfig(
        text(json, "User"),
        keys(json, "ExposedPorts"),
        orEmpty(list(json, "Env")),
        list(json, "Entrypoint"),
        list(json, "Cmd"),
        keys(json, "Volumes"),
        text(json, "WorkingDir"),
        labels(json.get("Labels")),
        text(json, "StopSignal"),
        list(json, "Shell"),
        list(json, "OnBuild"),
        json.path("Healthcheck").isObject() ? json.get("Healthcheck").toString() : "");
  }

  static String text(JsonNode json, String field) {
    JsonNode value = json.get(field);
    if (value == null || value.isNull()) {
      return "";
    }
    if (!value.isTextual()) {
      throw ImageConfig.malformed(field + " is no string");
    }
    return value.textValue();
  }

  private static @Nullable List<String> list(JsonNode json, String field) {
    JsonNode value = json.get(field);
    if (value == null || value.isNull()) {
      return null;
    }
    if (!value.isArray() || value.size() > MOST) {
      throw ImageConfig.malformed(field + " is no list");
    }
    List<String> list = new ArrayList<>();
    for (JsonNode element : value) {
      if (!element.isTextual()) {
        throw ImageConfig.malformed(field + " is no list of strings");
      }
      list.add(element.textValue());
    }
    return list;
  }

  private static List<String> orEmpty(@Nullable List<String> list) {
    return list == null ? List.of() : list;
  }

  private static List<String> keys(JsonNode json, String field) {
    JsonNode value = json.get(field);
    if (value == null || value.isNull()) {
      return List.of();
    }
    if (!value.isObject() || value.size() > MOST) {
      throw ImageConfig.malformed(field + " is no object");
    }
    List<String> keys = new ArrayList<>();
    value.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  private static Map<String, String> labels(@Nullable JsonNode value) {
    Map<String, String> labels = new LinkedHashMap<>();
    if (value != null && !value.isNull()) {
      if (!value.isObject() || value.size() > MOST) {
        throw ImageConfig.malformed("Labels is no object");
      }
      value.properties().forEach(label -> labels.put(label.getKey(), text(value, label.getKey())));
    }
    return labels;
  }

  /** Only what it says. */
  ObjectNode write() {
    ObjectNode json = ImageConfig.JSON.createObjectNode();
    putText(json, "User", user);
    putKeys(json, "ExposedPorts", exposedPorts);
    putList(json, "Env", env.isEmpty() ? null : env);
    putList(json, "Entrypoint", entrypoint);
    putList(json, "Cmd", cmd);
    putKeys(json, "Volumes", volumes);
    putText(json, "WorkingDir", workingDir);
    if (!labels.isEmpty()) {
      ObjectNode all = json.putObject("Labels");
      labels.forEach(all::put);
    }
    putText(json, "StopSignal", stopSignal);
    putList(json, "Shell", shell);
    putList(json, "OnBuild", onBuild);
    if (!healthcheck.isEmpty()) {
      json.set("Healthcheck", ImageConfig.tree(healthcheck));
    }
    return json;
  }

  private static void putText(ObjectNode json, String field, String value) {
    if (!value.isEmpty()) {
      json.put(field, value);
    }
  }

  private static void putKeys(ObjectNode json, String field, List<String> keys) {
    if (!keys.isEmpty()) {
      ObjectNode all = json.putObject(field);
      keys.forEach(all::putObject);
    }
  }

  private static void putList(ObjectNode json, String field, @Nullable List<String> list) {
    if (list != null) {
      var all = json.putArray(field);
      list.forEach(all::add);
    }
  }
}
