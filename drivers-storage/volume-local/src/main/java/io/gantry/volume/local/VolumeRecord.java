package io.gantry.volume.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.linux.KeyedLines;
import io.gantry.linux.KeyedLines.Line;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What is kept of a volume beside its data.
 *
 * @param unknown lines of a later version
 */
record VolumeRecord(
    String name,
    Instant created,
    Map<String, String> options,
    Map<String, String> labels,
    List<Line> unknown) {

  private static final String FORM = "gantry-volume 1";
  private static final Set<String> KNOWN = Set.of("name", "created", "option", "label");

  VolumeRecord {
    options = Map.copyOf(options);
    labels = Map.copyOf(labels);
    unknown = List.copyOf(unknown);
  }

  VolumeRecord labelled(Map<String, String> others) {
    return new VolumeRecord(name, created, options, others, unknown);
  }

  String encode() {
    List<Line> lines = new ArrayList<>();
    lines.add(new Line("name", name));
    lines.add(new Line("created", created.toString()));
    add(lines, "option", options);
    add(lines, "label", labels);
    lines.addAll(unknown);
    return new KeyedLines(FORM, lines).encode();
  }

  private static void add(List<Line> lines, String key, Map<String, String> entries) {
    new TreeMap<>(entries)
        .forEach((name, value) -> lines.add(new Line(key, escape(name) + "=" + escape(value))));
  }

  /** Empty when damaged. */
  static Optional<VolumeRecord> decode(String text) {
    try {
      return KeyedLines.decode(FORM, text).map(VolumeRecord::of);
    } catch (IllegalArgumentException | DateTimeException e) {
      return Optional.empty();
    }
  }

  private static VolumeRecord of(KeyedLines lines) {
    return new VolumeRecord(
        lines.first("name").orElse(""),
        Instant.parse(lines.first("created").orElse("")),
        entries(lines.all("option")),
        entries(lines.all("label")),
        lines.lines().stream().filter(line -> !KNOWN.contains(line.key())).toList());
  }

  private static Map<String, String> entries(List<String> lines) {
    Map<String, String> entries = new TreeMap<>();
    for (String line : lines) {
      int equals = Math.max(line.indexOf('='), 0);
      entries.put(unescape(line.substring(0, equals)), unescape(line.substring(equals + 1)));
    }
    return entries;
  }

  private static String escape(String text) {
    return URLEncoder.encode(text, UTF_8);
  }

  private static String unescape(String text) {
    return URLDecoder.decode(text, UTF_8);
  }
}
