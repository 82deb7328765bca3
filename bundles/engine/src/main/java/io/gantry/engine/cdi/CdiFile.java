package io.gantry.engine.cdi;

import static io.gantry.spi.GantryException.Kind.INVALID;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A file of a vendor: devices of one kind. Who may write it can have anything of the host brought
 * into a container, so it has to be root's.
 *
 * @param kind {@code vendor.com/class}
 * @param edits of every container that gets one of the devices
 * @param devices edits of each, by name
 */
record CdiFile(String kind, JsonNode edits, Map<String, JsonNode> devices) {
  private static final int LONGEST = 1 << 20;
  private static final Pattern KIND =
      Pattern.compile("[A-Za-z][A-Za-z0-9_.-]*/[A-Za-z][A-Za-z0-9_-]*");
  private static final Pattern VERSION = Pattern.compile("v?0\\.[3-9]\\.\\d+|v?1\\.\\d+\\.\\d+");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.:-]*");

  /** Not before there is such a file: most hosts have none. */
  private static final class Json {
    static final ObjectMapper MAPPER = strict(new ObjectMapper());
  }

  private static final class Yaml {
    static final ObjectMapper MAPPER = strict(new YAMLMapper());
  }

  private static ObjectMapper strict(ObjectMapper mapper) {
    return mapper.enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  }

  /** Whether a name is one of such a file; others in the folder are none of ours. */
  static boolean isOne(String name) {
    return name.endsWith(".json") || isYaml(name);
  }

  private static boolean isYaml(String name) {
    return name.endsWith(".yaml") || name.endsWith(".yml");
  }

  /**
   * @throws GantryException INVALID with what is wrong with it, FORBIDDEN when others may write it
   */
  static CdiFile read(Path file) throws IOException {
    Path real = Trusted.checkWithWay(file);
    if (!Files.isRegularFile(real)) {
      throw new GantryException(INVALID, file + " is not a regular file");
    }
    byte[] bytes;
    try (var in = Files.newInputStream(real)) {
      bytes = in.readNBytes(LONGEST + 1);
    }
    if (bytes.length > LONGEST) {
      throw new GantryException(INVALID, file + " is larger than 1 MiB");
    }
    boolean isYaml = isYaml(file.toString());
    ObjectMapper mapper = isYaml ? Yaml.MAPPER : Json.MAPPER;
    try {
      return of(mapper.readTree(new String(bytes, StandardCharsets.UTF_8)));
    } catch (JsonProcessingException e) {
      throw new GantryException(
          INVALID,
          "%s is no %s: %s".formatted(file, isYaml ? "YAML" : "JSON", e.getOriginalMessage()),
          e);
    } catch (GantryException e) {
      throw new GantryException(e.kind(), file + ": " + e.getMessage(), e);
    }
  }

  private static CdiFile of(JsonNode root) {
    String version = root.path("cdiVersion").asText();
    if (!VERSION.matcher(version).matches()) {
      throw new GantryException(INVALID, "unknown cdiVersion: \"" + version + "\"");
    }
    String kind = root.path("kind").asText();
    if (!KIND.matcher(kind).matches()) {
      throw new GantryException(INVALID, "invalid kind: \"" + kind + "\"");
    }
    var devices = new LinkedHashMap<String, JsonNode>();
    for (JsonNode device : root.path("devices")) {
      String name = device.path("name").asText();
      if (!NAME.matcher(name).matches()) {
        throw new GantryException(INVALID, "invalid device name: \"" + name + "\"");
      }
      if (devices.put(name, device.path("containerEdits")) != null) {
        throw new GantryException(INVALID, "two devices are called \"" + name + "\"");
      }
    }
    return new CdiFile(kind, root.path("containerEdits"), devices);
  }
}
