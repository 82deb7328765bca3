package io.gantry.storage.overlay;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.linux.KeyedLines;
import io.gantry.linux.KeyedLines.Line;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.Snapshot.Kind;
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
 * What is kept of a snapshot beside its directories.
 *
 * @param link short name of a layer; empty for what is none
 * @param lower short names of the layers below, topmost first; none below one whose root hides them
 * @param boot of the host for what only lasts so long (volatile); empty for what is durable
 * @param unknown lines of a later version
 */
record SnapshotRecord(
    Snapshot snapshot, String link, List<String> lower, String boot, List<Line> unknown) {

  private static final String FORM = "gantry-overlay 1";
  private static final Set<String> KNOWN =
      Set.of("id", "kind", "parent", "created", "label", "link", "lower", "boot");

  SnapshotRecord {
    lower = List.copyOf(lower);
    unknown = List.copyOf(unknown);
  }

  boolean isVolatile() {
    return !boot.isEmpty();
  }

  /** The layers that a child of this layer lies on. */
  List<String> chain() {
    List<String> chain = new ArrayList<>(lower.size() + 1);
    chain.add(link);
    chain.addAll(lower);
    return chain;
  }

  /** The same as a layer, which is durable. */
  SnapshotRecord asLayer(String layer, String name, List<String> below) {
    return new SnapshotRecord(
        new Snapshot(layer, Kind.LAYER, snapshot.parent(), snapshot.created(), snapshot.labels()),
        name,
        below,
        "",
        unknown);
  }

  String encode() {
    List<Line> lines = new ArrayList<>();
    lines.add(new Line("id", snapshot.id()));
    lines.add(new Line("kind", snapshot.kind().name()));
    if (snapshot.parent() != null) {
      lines.add(new Line("parent", snapshot.parent()));
    }
    lines.add(new Line("created", snapshot.created().toString()));
    if (!link.isEmpty()) {
      lines.add(new Line("link", link));
    }
    if (!lower.isEmpty()) {
      lines.add(new Line("lower", String.join(":", lower)));
    }
    if (!boot.isEmpty()) {
      lines.add(new Line("boot", boot));
    }
    new TreeMap<>(snapshot.labels())
        .forEach((key, value) -> lines.add(new Line("label", escape(key) + "=" + escape(value))));
    lines.addAll(unknown);
    return new KeyedLines(FORM, lines).encode();
  }

  /** Empty when damaged. */
  static Optional<SnapshotRecord> decode(String text) {
    try {
      return KeyedLines.decode(FORM, text).map(SnapshotRecord::of);
    } catch (IllegalArgumentException | DateTimeException e) {
      return Optional.empty();
    }
  }

  private static SnapshotRecord of(KeyedLines lines) {
    Map<String, String> labels = new TreeMap<>();
    for (String label : lines.all("label")) {
      int equals = Math.max(label.indexOf('='), 0);
      labels.put(unescape(label.substring(0, equals)), unescape(label.substring(equals + 1)));
    }
    Snapshot snapshot =
        new Snapshot(
            lines.first("id").orElse(""),
            Kind.valueOf(lines.first("kind").orElse("")),
            lines.first("parent").orElse(null),
            Instant.parse(lines.first("created").orElse("")),
            labels);
    return new SnapshotRecord(
        snapshot,
        lines.first("link").orElse(""),
        lines.first("lower").map(lower -> List.of(lower.split(":", -1))).orElse(List.of()),
        lines.first("boot").orElse(""),
        lines.lines().stream().filter(line -> !KNOWN.contains(line.key())).toList());
  }

  private static String escape(String text) {
    return URLEncoder.encode(text, UTF_8);
  }

  private static String unescape(String text) {
    return URLDecoder.decode(text, UTF_8);
  }
}
