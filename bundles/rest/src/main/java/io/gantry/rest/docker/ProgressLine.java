package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One line of a transfer, with the bar that old clients print as it is. */
final class ProgressLine {

  private static final int WIDTH = 50;
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB", "PB"};

  private ProgressLine() {}

  /**
   * @param id nothing: of the whole transfer
   */
  static Map<String, @Nullable Object> of(String status, String id, long current, long total) {
    var line =
        object(
            "status",
            status,
            "progressDetail",
            object("current", current, "total", total),
            "progress",
            bar(current, total));
    if (!id.isEmpty()) {
      line.put("id", id);
    }
    return line;
  }

  private static String bar(long current, long total) {
    int done = total <= 0 ? WIDTH : (int) Math.min(WIDTH, current * WIDTH / total);
    return "[%s>%s] %8s/%s"
        .formatted("=".repeat(done), " ".repeat(WIDTH - done), size(current), size(total));
  }

  /** Four digits, in decimal units. */
  static String size(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    int digits = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;
    String text = String.format(Locale.ROOT, "%." + digits + "f", value);
    if (text.indexOf('.') >= 0) {
      text = text.replaceFirst("\\.?0+$", "");
    }
    return text + UNITS[unit];
  }
}
