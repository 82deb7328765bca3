package io.gantry.engine.log;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decodes the entries of a json-file log, one after the other, into itself. As the monitor writes
 * them it takes them apart byte by byte, several times as fast as a parser of any JSON, which is
 * what reads all else.
 *
 * <p>Not thread-safe.
 */
final class LogEntry {

  /** Where an entry came from, by the number that heads its frames. */
  enum Origin {
    STDIN,
    STDOUT,
    STDERR
  }

  private static final JsonFactory JSON = new JsonFactory();
  private static final byte[] LOG = ascii("{\"log\":\"");
  private static final byte[] STDOUT = ascii("\",\"stream\":\"stdout\",");
  private static final byte[] STDERR = ascii("\",\"stream\":\"stderr\",");
  private static final byte[] STDIN = ascii("\",\"stream\":\"stdin\",");
  private static final byte[] TIME = ascii("\"time\":\"");
  private static final byte[] ATTRIBUTES = ascii("\"attrs\":");
  private static final byte[] END = ascii("\"}");
  private static final int LONGEST_TIME = 64;

  private byte[] text = new byte[32 * 1024];
  private int length;
  private Origin origin = Origin.STDOUT;
  private String time = "";
  private byte[] timeBytes = new byte[0];
  private String attributes = "";
  private byte[] attributeBytes = new byte[0];
  private @Nullable Instant instant;

  /** False for what is no entry: a line that a crash cut short must not hide the others. */
  boolean decode(byte[] line, int from, int size) {
    return quick(line, from, from + size) || parse(line, from, size);
  }

  /** As the container wrote it, its newline included if it had one; valid until the next one. */
  byte[] text() {
    return text;
  }

  int length() {
    return length;
  }

  Origin origin() {
    return origin;
  }

  /** As written, RFC 3339. */
  String time() {
    return time;
  }

  /** A JSON object, or empty. */
  String attributes() {
    return attributes;
  }

  /** The epoch when the time is unreadable. */
  Instant at() {
    Instant known = instant;
    if (known == null) {
      try {
        known = Instant.parse(time);
      } catch (DateTimeParseException e) {
        known = Instant.EPOCH;
      }
      instant = known;
    }
    return known;
  }

  /** With nine digits of a second, as {@code docker logs -t} shows it. */
  String stamp() {
    String bare = time.endsWith("Z") ? time.substring(0, time.length() - 1) : time;
    int point = bare.indexOf('.');
    String digits = point < 0 ? "" : bare.substring(point + 1);
    String seconds = point < 0 ? bare : bare.substring(0, point);
    return seconds + "." + (digits + "000000000").substring(0, 9) + "Z";
  }

  private boolean quick(byte[] line, int from, int end) {
    if (!startsWith(line, from, end, LOG)) {
      return false;
    }
    int at = unescape(line, from + LOG.length, end);
    if (at < 0) {
      return false;
    }
    if (startsWith(line, at, end, STDOUT)) {
      origin = Origin.STDOUT;
      at += STDOUT.length;
    } else if (startsWith(line, at, end, STDERR)) {
      origin = Origin.STDERR;
      at += STDERR.length;
    } else if (startsWith(line, at, end, STDIN)) {
      origin = Origin.STDIN;
      at += STDIN.length;
    } else {
      return false;
    }
    return tail(line, at, end);
  }

  /** The time is the last thing on the line; what is before it, if anything, are attributes. */
  private boolean tail(byte[] line, int from, int end) {
    if (end - END.length < from || !startsWith(line, end - END.length, end, END)) {
      return false;
    }
    int quote = end - END.length - 1;
    int least = Math.max(from, quote - LONGEST_TIME);
    while (quote >= least && line[quote] != '"') {
      quote--;
    }
    int key = quote + 1 - TIME.length;
    if (key < from || !startsWith(line, key, end, TIME)) {
      return false;
    }
    if (key == from) {
      attributes = "";
      attributeBytes = new byte[0];
    } else if (startsWith(line, from, key, ATTRIBUTES) && line[key - 1] == ',') {
      attributes(line, from + ATTRIBUTES.length, key - 1);
    } else {
      return false;
    }
    time(line, quote + 1, end - END.length);
    return true;
  }

  /** Entries that were written together have one time, all of a container the same attributes. */
  private void time(byte[] line, int from, int to) {
    if (!Arrays.equals(line, from, to, timeBytes, 0, timeBytes.length)) {
      timeBytes = Arrays.copyOfRange(line, from, to);
      time = new String(timeBytes, StandardCharsets.UTF_8);
      instant = null;
    }
  }

  private void attributes(byte[] line, int from, int to) {
    if (!Arrays.equals(line, from, to, attributeBytes, 0, attributeBytes.length)) {
      attributeBytes = Arrays.copyOfRange(line, from, to);
      attributes = new String(attributeBytes, StandardCharsets.UTF_8);
    }
  }

  /** Fills the text; returns where its closing quote is, negative when there is none. */
  private int unescape(byte[] line, int from, int end) {
    length = 0;
    if (text.length < end - from) {
      text = new byte[end - from];
    }
    int at = from;
    while (at < end) {
      int run = at;
      while (run < end && line[run] != '"' && line[run] != '\\') {
        run++;
      }
      System.arraycopy(line, at, text, length, run - at);
      length += run - at;
      if (run == end) {
        return -1;
      }
      if (line[run] == '"') {
        return run;
      }
      at = escape(line, run + 1, end);
      if (at < 0) {
        return -1;
      }
    }
    return -1;
  }

  /** Takes what is behind a backslash; negative when that is rare enough to be the parser's. */
  private int escape(byte[] line, int at, int end) {
    if (at >= end) {
      return -1;
    }
    switch (line[at]) {
      case 'n' -> text[length++] = '\n';
      case 'r' -> text[length++] = '\r';
      case 't' -> text[length++] = '\t';
      case '"', '\\', '/' -> text[length++] = line[at];
      case 'u' -> {
        return unicode(line, at + 1, end);
      }
      default -> {
        return -1;
      }
    }
    return at + 1;
  }

  private int unicode(byte[] line, int at, int end) {
    if (at + 4 > end) {
      return -1;
    }
    int code = 0;
    for (int i = at; i < at + 4; i++) {
      int digit = Character.digit(line[i], 16);
      if (digit < 0) {
        return -1;
      }
      code = code << 4 | digit;
    }
    if (code < 0x80) {
      text[length++] = (byte) code;
    } else if (code < 0x800) {
      text[length++] = (byte) (0xc0 | code >> 6);
      text[length++] = (byte) (0x80 | code & 0x3f);
    } else if (code < 0xd800 || code > 0xdfff) {
      text[length++] = (byte) (0xe0 | code >> 12);
      text[length++] = (byte) (0x80 | code >> 6 & 0x3f);
      text[length++] = (byte) (0x80 | code & 0x3f);
    } else {
      return -1; // half of a pair
    }
    return at + 4;
  }

  private boolean parse(byte[] line, int from, int size) {
    String log = null;
    String stream = "stdout";
    String when = "";
    String details = "";
    try (JsonParser json = JSON.createParser(line, from, size)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        return false;
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        switch (name) {
          case "log" -> log = json.getText();
          case "stream" -> stream = json.getText();
          case "time" -> when = json.getText();
          case "attrs" -> details = copy(json);
          default -> json.skipChildren();
        }
      }
    } catch (IOException e) {
      return false;
    }
    if (log == null) {
      return false;
    }
    text = log.getBytes(StandardCharsets.UTF_8);
    length = text.length;
    origin =
        stream.equals("stderr")
            ? Origin.STDERR
            : stream.equals("stdin") ? Origin.STDIN : Origin.STDOUT;
    byte[] whenBytes = when.getBytes(StandardCharsets.UTF_8);
    time(whenBytes, 0, whenBytes.length);
    byte[] detailBytes = details.getBytes(StandardCharsets.UTF_8);
    attributes(detailBytes, 0, detailBytes.length);
    return true;
  }

  private static String copy(JsonParser json) throws IOException {
    var text = new StringWriter();
    try (var out = JSON.createGenerator(text)) {
      out.copyCurrentStructure(json);
    }
    return text.toString();
  }

  /** The names and values of a JSON object of texts, by name; what is none of that is left out. */
  static Map<String, String> texts(String object) {
    var texts = new TreeMap<String, String>();
    try (JsonParser json = JSON.createParser(object)) {
      if (json.nextToken() == JsonToken.START_OBJECT) {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String name = json.currentName();
          if (json.nextToken() == JsonToken.VALUE_STRING) {
            texts.put(name, json.getText());
          } else {
            json.skipChildren();
          }
        }
      }
    } catch (IOException e) {
      return texts; // as far as it can be read
    }
    return texts;
  }

  private static boolean startsWith(byte[] line, int from, int end, byte[] what) {
    return end - from >= what.length
        && Arrays.equals(line, from, from + what.length, what, 0, what.length);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
