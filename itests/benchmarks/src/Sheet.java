import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Samples by figure and engine, and the table of them: one line {@code figure engine unit n p50 p90 p99}. */
final class Sheet {
  private final Path file;
  private final Map<List<String>, List<Double>> samples = new LinkedHashMap<>();

  Sheet(Path file) {
    this.file = file;
  }

  void add(String figure, String engine, String unit, double value) {
    samples.computeIfAbsent(List.of(figure, engine, unit), key -> new ArrayList<>()).add(value);
  }

  void addMillis(String figure, Engine engine, long nanos) {
    add(figure, engine.name(), "ms", nanos / 1e6);
  }

  /** Appends to the file, and shows. */
  void write() throws IOException {
    var lines = new ArrayList<String>();
    samples.forEach(
        (key, values) -> {
          double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
          lines.add(
              String.format(
                  Locale.ROOT,
                  "%s\t%d\t%.4g\t%.4g\t%.4g",
                  String.join("\t", key),
                  sorted.length,
                  quantile(sorted, 0.5),
                  quantile(sorted, 0.9),
                  quantile(sorted, 0.99)));
        });
    Files.write(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    lines.forEach(System.out::println);
  }

  static double quantile(double[] sorted, double q) {
    return sorted[(int) Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  }

  static double median(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return quantile(sorted, 0.5);
  }
}
