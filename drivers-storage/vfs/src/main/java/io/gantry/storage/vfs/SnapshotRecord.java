package io.gantry.storage.vfs;

import static java.nio.charset.StandardCharsets.UTF_8;

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
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of a snapshot beside its tree, as lines {@code key value} under a checksum. Lines of
 * a later version are kept as they are.
 */
record SnapshotRecord(Snapshot snapshot, List<String> unknown) {

  private static final String FORM = "gantry-vfs 1";

  SnapshotRecord {
    unknown = List.copyOf(unknown);
  }

  SnapshotRecord(Snapshot snapshot) {
    this(snapshot, List.of());
  }

  /** The same as a layer of another id. */
  SnapshotRecord asLayer(String layer) {
    return new SnapshotRecord(
        new Snapshot(layer, Kind.LAYER, snapshot.parent(), snapshot.created(), snapshot.labels()),
        unknown);
  }

  String encode() {
    StringBuilder text = new StringBuilder(FORM).append('\n');
    line(text, "id", snapshot.id());
    line(text, "kind", snapshot.kind().name());
    if (snapshot.parent() != null) {
      line(text, "parent", snapshot.parent());
    }
    line(text, "created", snapshot.created().toString());
    new TreeMap<>(snapshot.labels())
        .forEach((key, value) -> line(text, "label", escape(key) + "=" + escape(value)));
    unknown.forEach(line -> text.append(line).append('\n'));
    line(text, "sum", sum(text.toString()));
    return text.toString();
  }

  private static void line(StringBuilder text, String key, String value) {
    text.append(key).append(' ').append(value).append('\n');
  }

  /** Empty when damaged. */
  static Optional<SnapshotRecord> decode(String text) {
    int sumAt = text.lastIndexOf("\nsum ") + 1;
    String body = text.substring(0, sumAt);
    if (!body.startsWith(FORM + "\n") || !text.endsWith("\nsum " + sum(body) + "\n")) {
      return Optional.empty();
    }
    try {
      return Optional.of(parse(body));
    } catch (IllegalArgumentException | DateTimeException e) {
      return Optional.empty();
    }
  }

  private static SnapshotRecord parse(String body) {
    String id = "";
    Kind kind = Kind.VIEW;
    @Nullable String parent = null;
    Instant created = Instant.EPOCH;
    Map<String, String> labels = new TreeMap<>();
    List<String> unknown = new ArrayList<>();
    for (String line : body.lines().skip(1).toList()) {
      int blank = line.indexOf(' ');
      String value = line.substring(blank + 1);
      switch (line.substring(0, Math.max(blank, 0))) {
        case "id" -> id = value;
        case "kind" -> kind = Kind.valueOf(value);
        case "parent" -> parent = value;
        case "created" -> created = Instant.parse(value);
        case "label" -> {
          int equals = value.indexOf('=');
          labels.put(unescape(value.substring(0, equals)), unescape(value.substring(equals + 1)));
        }
        default -> unknown.add(line);
      }
    }
    return new SnapshotRecord(new Snapshot(id, kind, parent, created, labels), unknown);
  }

  private static String escape(String text) {
    return URLEncoder.encode(text, UTF_8);
  }

  private static String unescape(String text) {
    return URLDecoder.decode(text, UTF_8);
  }

  private static String sum(String text) {
    CRC32C sum = new CRC32C();
    sum.update(text.getBytes(UTF_8));
    return Long.toHexString(sum.getValue());
  }
}
