package io.gantry.engine.log;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLEncoder;
import java.util.stream.Collectors;

/** An entry's attributes as {@code docker logs --details} shows them: {@code name=value,…}. */
final class Details {
  private String attributes = "";
  private String shown = "";

  /** All entries of a container have the same: they are taken apart once. */
  String of(LogEntry entry) {
    if (!entry.attributes().equals(attributes)) {
      attributes = entry.attributes();
      shown =
          LogEntry.texts(attributes).entrySet().stream()
              .map(one -> escape(one.getKey()) + "=" + escape(one.getValue()))
              .collect(Collectors.joining(","));
    }
    return shown;
  }

  /** As Go's {@code url.QueryEscape}. */
  private static String escape(String text) {
    return URLEncoder.encode(text, UTF_8).replace("*", "%2A").replace("%7E", "~");
  }
}
