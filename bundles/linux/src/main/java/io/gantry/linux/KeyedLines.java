package io.gantry.linux;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * A small record as text: a line that names its form and version, lines {@code key value}, and a
 * checksum. Who rewrites a record hands on the lines whose keys he does not know.
 */
public record KeyedLines(String form, List<Line> lines) {

  /** Neither key nor value holds a newline, the key no blank. */
  public record Line(String key, String value) {}

  public KeyedLines {
    lines = List.copyOf(lines);
  }

  public String encode() {
    StringBuilder text = new StringBuilder(form).append('\n');
    lines.forEach(line -> append(text, line.key, line.value));
    append(text, "sum", sum(text.toString()));
    return text.toString();
  }

  private static void append(StringBuilder text, String key, String value) {
    text.append(key).append(' ').append(value).append('\n');
  }

  /** Empty when damaged or of another form. */
  public static Optional<KeyedLines> decode(String form, String text) {
    int sumAt = text.lastIndexOf("\nsum ") + 1;
    String body = text.substring(0, sumAt);
    if (!body.startsWith(form + "\n") || !text.endsWith("\nsum " + sum(body) + "\n")) {
      return Optional.empty();
    }
    List<Line> lines = new ArrayList<>();
    for (String line : body.lines().skip(1).toList()) {
      int blank = Math.max(line.indexOf(' '), 0);
      lines.add(new Line(line.substring(0, blank), line.substring(blank + 1)));
    }
    return Optional.of(new KeyedLines(form, lines));
  }

  /** The values of a key, in order. */
  public List<String> all(String key) {
    return lines.stream().filter(line -> line.key.equals(key)).map(Line::value).toList();
  }

  public Optional<String> first(String key) {
    return lines.stream().filter(line -> line.key.equals(key)).map(Line::value).findFirst();
  }

  private static String sum(String text) {
    CRC32C sum = new CRC32C();
    sum.update(text.getBytes(UTF_8));
    return Long.toHexString(sum.getValue());
  }
}
