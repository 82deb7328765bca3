import java.util.List;
import java.util.Locale;

/** Bars on a logarithmic scale: how many times better than the best peer. */
final class Plot {
  private static final int ROW = 22;
  private static final int LABELS = 330;
  private static final int WIDTH = 900;
  private static final double LOWEST = 0.5;
  private static final double HIGHEST = 100;

  private Plot() {}

  static String of(List<Report.Ratio> ratios) {
    int height = ROW * ratios.size() + 50;
    var svg = new StringBuilder();
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
            .formatted(WIDTH, height));
    svg.append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
    for (double mark : new double[] {0.5, 1, 2, 5, 10, 20, 50, 100}) {
      svg.append(
          line("<line x1=\"%.1f\" y1=\"10\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\"/>", x(mark), x(mark), height - 30, mark == 1 ? "#444" : "#ddd"));
      svg.append(
          line("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", x(mark), height - 14, mark == 0.5 ? "1/2" : Integer.toString((int) mark)));
    }
    for (int i = 0; i < ratios.size(); i++) {
      bar(ratios.get(i), 14 + i * ROW, svg);
    }
    svg.append(line("<text x=\"10\" y=\"%d\">times better than the best dockerd (median)</text>", height - 14));
    return svg.append("</svg>\n").toString();
  }

  private static void bar(Report.Ratio ratio, int top, StringBuilder svg) {
    double from = Math.min(x(1), x(ratio.times()));
    double to = Math.max(x(1), x(ratio.times()));
    String colour = ratio.times() >= 1 ? "#2a7f9e" : "#b5532a";
    svg.append(line("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", LABELS - 40, top + 13, ratio.figure()));
    svg.append(line("<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"16\" fill=\"%s\"/>", from, top, to - from, colour));
    svg.append(line("<text x=\"%.1f\" y=\"%d\">%.1f</text>", to + 4, top + 13, ratio.times()));
  }

  private static double x(double value) {
    double clamped = Math.max(LOWEST, Math.min(HIGHEST, value));
    return LABELS + (WIDTH - LABELS - 50) * Math.log(clamped / LOWEST) / Math.log(HIGHEST / LOWEST);
  }

  private static String line(String form, Object... values) {
    return String.format(Locale.ROOT, form, values) + "\n";
  }
}
