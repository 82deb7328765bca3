import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The page of figures: a table for each sheet there is, and a plot of the ratios of the first. */
final class Report {
  private static final String OWN = "gantry";
  private static final int ENOUGH = 20;
  private static final Map<String, String> SHEETS = new LinkedHashMap<>();

  static {
    SHEETS.put("on", "With favordynmods on, for all engines");
    SHEETS.put("disk", "On an ext4 with a journal, favordynmods on");
    SHEETS.put("off", "With favordynmods off, for all engines");
  }

  /** One line of a sheet. */
  record Row(String figure, String engine, String unit, int count, double p50, double p90, double p99) {

    static Row parse(String line) {
      String[] parts = line.split("\t", -1);
      return new Row(
          parts[0],
          parts[1],
          parts[2],
          Integer.parseInt(parts[3]),
          Double.parseDouble(parts[4]),
          Double.parseDouble(parts[5]),
          Double.parseDouble(parts[6]));
    }

    boolean isOwn() {
      return engine.equals(OWN);
    }

    boolean isPeer() {
      return engine.startsWith("dockerd");
    }

    boolean isRate() {
      return unit.endsWith("/s");
    }
  }

  /** A figure of ours against the best peer's: above 1 is better than it. */
  record Ratio(String figure, double times) {}

  private Report() {}

  static void write(Path results, Path doc) throws IOException {
    var page = new StringBuilder(Files.readString(results.resolve("head.md")));
    List<Ratio> plotted = List.of();
    for (var sheet : SHEETS.entrySet()) {
      Path file = results.resolve(sheet.getKey() + ".tsv");
      if (Files.exists(file)) {
        var figures = read(file);
        page.append("\n## ").append(sheet.getValue()).append("\n\n");
        page.append(host(results.resolve(sheet.getKey() + ".host"))).append('\n');
        table(figures, page);
        if (plotted.isEmpty()) {
          plotted = ratios(figures);
        }
      }
    }
    Files.writeString(doc.resolve("performance.md"), page);
    Files.writeString(doc.resolve("performance.svg"), Plot.of(plotted));
  }

  /** What was measured last counts. */
  private static Map<String, Map<String, Row>> read(Path file) throws IOException {
    var figures = new LinkedHashMap<String, Map<String, Row>>();
    for (String line : Files.readAllLines(file)) {
      Row row = Row.parse(line);
      figures.computeIfAbsent(row.figure(), key -> new LinkedHashMap<>()).put(row.engine(), row);
    }
    return figures;
  }

  private static String host(Path file) throws IOException {
    var facts = new ArrayList<String>();
    if (Files.exists(file)) {
      facts.addAll(Files.readAllLines(file));
    }
    return String.join("; ", facts) + ".\n";
  }

  private static void table(Map<String, Map<String, Row>> figures, StringBuilder page) {
    page.append("| figure | engine | p50 | p90 | p99 | p99 to p50 | n | Gantry to the best dockerd |\n|---|---|---|---|---|---|---|---|\n");
    figures.forEach(
        (figure, rows) -> {
          String shown = figure;
          for (Row row : rows.values()) {
            page.append(
                "| %s | %s | %s | %s | %s | %s | %d | %s |\n"
                    .formatted(
                        shown,
                        row.engine(),
                        value(row.p50(), row.unit()),
                        value(row.p90(), row.unit()),
                        value(row.p99(), row.unit()),
                        tail(row),
                        row.count(),
                        row.isOwn() ? times(rows) : ""));
            shown = "";
          }
        });
  }

  /** How much longer the slowest take; of few samples it says nothing. */
  private static String tail(Row row) {
    return row.count() < ENOUGH ? "" : String.format(Locale.ROOT, "%.1f", row.p99() / row.p50());
  }

  private static String value(double value, String unit) {
    String number = value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f";
    return (number.formatted(value) + " " + unit).strip();
  }

  private static String times(Map<String, Row> rows) {
    Ratio ratio = ratio("", rows);
    if (ratio == null) {
      return "";
    }
    return ratio.times() >= 1
        ? String.format(Locale.ROOT, "%.1f times better", ratio.times())
        : String.format(Locale.ROOT, "%.2f times worse", 1 / ratio.times());
  }

  private static List<Ratio> ratios(Map<String, Map<String, Row>> figures) {
    var ratios = new ArrayList<Ratio>();
    figures.forEach(
        (figure, rows) -> {
          Ratio ratio = ratio(figure, rows);
          if (ratio != null) {
            ratios.add(ratio);
          }
        });
    return ratios;
  }

  /** Null without both sides. */
  private static Ratio ratio(String figure, Map<String, Row> rows) {
    Row own = rows.get(OWN);
    if (own == null) {
      return null;
    }
    var peers = rows.values().stream().filter(Row::isPeer).mapToDouble(Row::p50);
    var best = own.isRate() ? peers.max() : peers.min();
    if (best.isEmpty()) {
      return null;
    }
    double times = own.isRate() ? own.p50() / best.getAsDouble() : best.getAsDouble() / own.p50();
    return new Ratio(figure, times);
  }
}
