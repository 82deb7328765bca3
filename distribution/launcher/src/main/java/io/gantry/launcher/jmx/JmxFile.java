package io.gantry.launcher.jmx;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code etc/io.gantry.jmx.json}: read, and switched on or off with all its comments kept. */
final class JmxFile {

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
          .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
          .build();

  /** In a comment as well, if that is a line of its own. */
  private static final Pattern ENABLED =
      Pattern.compile("(?m)(?:^([ \\t]*)//[ \\t]*)?\"enabled\"\\s*:\\s*(?:true|false)");

  private final Path file;
  private final String text;
  private final JsonNode values;

  private JmxFile(Path file, String text, JsonNode values) {
    this.file = file;
    this.text = text;
    this.values = values;
  }

  static JmxFile read(Path etc) throws IOException {
    Path file = etc.resolve("io.gantry.jmx.json");
    String text = Files.exists(file) ? Files.readString(file) : "{\n}\n";
    try {
      return new JmxFile(file, text, JSON.readTree(text));
    } catch (JacksonException e) {
      throw new IOException(file + ": " + e.getOriginalMessage(), e);
    }
  }

  boolean isEnabled() {
    return values.path("enabled").asBoolean(false);
  }

  String address() {
    return values.path("address").asText("127.0.0.1");
  }

  int port() {
    return values.path("port").asInt(7091);
  }

  String hostname() {
    String name = values.path("hostname").asText("");
    return name.isEmpty() ? address() : name;
  }

  boolean asksForCertificates() {
    return !values.path("clientCa").asText("").isEmpty();
  }

  Path certificate() {
    return path("certificate", "cert.pem");
  }

  Path key() {
    return path("key", "key.pem");
  }

  Path users() {
    return path("users", "users");
  }

  /** What clients believe the server by; made together with its certificate. */
  Path truststore() {
    return folder().resolve("truststore.p12");
  }

  Path folder() {
    return file.resolveSibling("jmx");
  }

  private Path path(String key, String name) {
    String given = values.path(key).asText("");
    return given.isEmpty() ? folder().resolve(name) : Path.of(given);
  }

  String url() {
    return "service:jmx:rmi:///jndi/rmi://" + hostname() + ":" + port() + "/jmxrmi";
  }

  void enable(boolean on) throws IOException {
    String changed = changed(on);
    boolean took;
    try {
      took = JSON.readTree(changed).path("enabled").asBoolean(!on) == on;
    } catch (JacksonException e) {
      took = false;
    }
    if (!took) {
      throw new IOException("cannot change " + file + ": set \"enabled\": " + on + " in it");
    }
    Path scratch = file.resolveSibling("." + file.getFileName() + ".tmp");
    Files.writeString(scratch, changed);
    Files.move(scratch, file, ATOMIC_MOVE);
  }

  private String changed(boolean on) {
    Matcher line = ENABLED.matcher(text);
    if (line.find()) {
      return line.replaceFirst("$1\"enabled\": " + on);
    }
    return text.replaceFirst("\\{", "{\n  \"enabled\": " + on + ",");
  }
}
