package io.gantry.itests.attacks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** An answer that was read whole; header names are in lower case. */
record Reply(int status, Map<String, String> headers, String body) {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The body as JSON; an empty object when it is none. */
  JsonNode json() {
    try {
      return JSON.readTree(body.isBlank() ? "{}" : body);
    } catch (JsonProcessingException e) {
      return JSON.createObjectNode();
    }
  }

  byte[] bytes() {
    return body.getBytes(StandardCharsets.ISO_8859_1);
  }

  String message() {
    return json().path("message").asText("");
  }

  boolean isError() {
    return status >= 400;
  }

  @Override
  public String toString() {
    String text = body.strip().replaceAll("\\s+", " ");
    return status + " " + (text.length() > 400 ? text.substring(0, 400) + "…" : text);
  }
}
