package io.gantry.engine.log;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/**
 * One entry of a json-file log.
 *
 * @param text as the container wrote it, its newline included if it had one
 * @param time as written, RFC 3339
 */
record LogLine(String text, boolean stderr, String time) {
  private static final JsonFactory JSON = new JsonFactory();

  /** Empty for what is no entry: a line that a crash cut short must not hide the others. */
  static Optional<LogLine> parse(byte[] line, int offset, int length) {
    String text = null;
    String stream = "stdout";
    String time = "";
    try (JsonParser json = JSON.createParser(line, offset, length)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        return Optional.empty();
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        switch (name) {
          case "log" -> text = json.getText();
          case "stream" -> stream = json.getText();
          case "time" -> time = json.getText();
          default -> json.skipChildren();
        }
      }
    } catch (IOException e) {
      return Optional.empty();
    }
    return text == null
        ? Optional.empty()
        : Optional.of(new LogLine(text, stream.equals("stderr"), time));
  }

  byte[] bytes() {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** The epoch when the time is unreadable. */
  Instant at() {
    try {
      return Instant.parse(time);
    } catch (DateTimeParseException e) {
      return Instant.EPOCH;
    }
  }

  /** With nine digits of a second, as {@code docker logs -t} shows it. */
  String stamp() {
    String bare = time.endsWith("Z") ? time.substring(0, time.length() - 1) : time;
    int point = bare.indexOf('.');
    String digits = point < 0 ? "" : bare.substring(point + 1);
    String seconds = point < 0 ? bare : bare.substring(0, point);
    return seconds + "." + (digits + "000000000").substring(0, 9) + "Z";
  }
}
