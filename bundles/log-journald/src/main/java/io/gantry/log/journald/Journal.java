package io.gantry.log.journald;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.linux.UnixDatagram;
import io.gantry.spi.GantryException;
import io.gantry.spi.log.LogAttributes;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogTag;
import io.gantry.spi.log.LogTarget;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The journal for one container. Connects when there are lines, and again when journald was
 * restarted.
 *
 * <p>Used by one thread at a time.
 */
final class Journal {
  private static final Set<String> NAMES =
      Set.of("labels", "labels-regex", "env", "env-regex", "tag");

  /** What an image's labels do not say. */
  private static final Set<String> OWN =
      Set.of(
          "CONTAINER_ID",
          "CONTAINER_ID_FULL",
          "CONTAINER_NAME",
          "CONTAINER_TAG",
          "CONTAINER_LOG_EPOCH",
          "CONTAINER_LOG_ORDINAL",
          "CONTAINER_PARTIAL_ID",
          "CONTAINER_PARTIAL_LAST",
          "CONTAINER_PARTIAL_MESSAGE",
          "CONTAINER_PARTIAL_ORDINAL",
          "IMAGE_NAME",
          "MESSAGE",
          "PRIORITY",
          "SYSLOG_IDENTIFIER",
          "SYSLOG_TIMESTAMP");

  private static final String ERROR = "3";
  private static final String INFO = "6";
  private static final int SHORT = 12;

  private final Path socket;
  private final Duration patience;
  private final String container;
  private final byte[] common;

  /** By stream: what was sent last of a line that goes on. */
  private Map<String, Piece> unfinished = Map.of();

  private @Nullable UnixDatagram connection;
  private volatile String failure = "";

  Journal(Path socket, Duration patience, LogTarget target, Map<String, String> options) {
    this.socket = socket;
    this.patience = patience;
    this.container = target.container();
    String tag = LogTag.expand(options.getOrDefault("tag", LogTag.DEFAULT), target);
    var entry =
        new JournalEntry()
            .put("CONTAINER_ID", target.container().substring(0, SHORT))
            .put("CONTAINER_ID_FULL", target.container())
            .put("CONTAINER_NAME", target.name())
            .put("CONTAINER_TAG", tag)
            .put("IMAGE_NAME", target.image())
            .put("SYSLOG_IDENTIFIER", tag);
    LogAttributes.of(target, options)
        .forEach(
            (name, value) -> {
              String field = JournalEntry.nameOf(name);
              if (!field.isEmpty() && !OWN.contains(field)) {
                entry.put(field, value);
              }
            });
    common = entry.bytes();
  }

  /**
   * @throws GantryException INVALID, in dockerd's words
   */
  static void check(Map<String, String> options) {
    for (String name : options.keySet().stream().sorted().toList()) {
      if (!NAMES.contains(name)) {
        throw new GantryException(
            INVALID, "unknown log opt '" + name + "' for journald log driver");
      }
    }
  }

  /** Why nothing could be sent, last time; empty when it could. */
  String failure() {
    return failure;
  }

  void append(LogBatch batch) {
    long number = Long.parseUnsignedLong(batch.id(), 16);
    var pieces = new HashMap<>(unfinished);
    try {
      for (var line : batch.lines()) {
        send(ByteBuffer.wrap(entry(line, number++, pieces)));
      }
      unfinished = pieces;
      failure = "";
    } catch (GantryException e) {
      close();
      failure = String.valueOf(e.getMessage());
      throw new GantryException(UNAVAILABLE, "journald: " + failure, e);
    }
  }

  private byte[] entry(LogBatch.Line line, long number, Map<String, Piece> pieces) {
    var entry =
        new JournalEntry()
            .with(common)
            .put("PRIORITY", line.stream().equals("stderr") ? ERROR : INFO)
            .put(
                "SYSLOG_TIMESTAMP",
                DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(line.at().atOffset(ZoneOffset.UTC)))
            .put("CONTAINER_LOG_ORDINAL", Long.toString(number));
    var former = pieces.remove(line.stream());
    if (former != null || line.partial()) {
      var piece = former == null ? Piece.first(container, number) : former.next();
      entry
          .put("CONTAINER_PARTIAL_ID", piece.id())
          .put("CONTAINER_PARTIAL_ORDINAL", Integer.toString(piece.ordinal()))
          .put("CONTAINER_PARTIAL_LAST", Boolean.toString(!line.partial()));
      if (line.partial()) {
        entry.put("CONTAINER_PARTIAL_MESSAGE", "true");
        pieces.put(line.stream(), piece);
      }
    }
    return entry.put("MESSAGE", line.text().toArray()).bytes();
  }

  /**
   * A piece of a line that is too long for one entry.
   *
   * @param id the same for all of the line, also when they are sent again
   * @param ordinal from 1
   */
  private record Piece(String id, int ordinal) {
    private static final int OF_CONTAINER = 48;

    static Piece first(String container, long number) {
      return new Piece(container.substring(0, OF_CONTAINER) + "%016x".formatted(number), 1);
    }

    Piece next() {
      return new Piece(id, ordinal + 1);
    }
  }

  private void send(ByteBuffer entry) {
    var open = connection;
    if (open == null) {
      open = UnixDatagram.connect(socket.toString(), patience);
      connection = open;
    }
    if (!open.send(entry.duplicate())) {
      open.sendAsFile(entry);
    }
  }

  void close() {
    var open = connection;
    connection = null;
    if (open != null) {
      open.close();
    }
  }
}
