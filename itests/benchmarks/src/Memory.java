import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Memory of idle containers: of what watches each, and all told as the control groups count it. */
final class Memory {
  private static final int LISTS = 30;
  private static final Duration WARM_UP = Duration.ofSeconds(5);
  private static final Duration SAMPLED = Duration.ofSeconds(10);

  private final List<Engine> engines;
  private final Sheet sheet;

  Memory(List<Engine> engines, Sheet sheet) {
    this.engines = engines;
    this.sheet = sheet;
  }

  /**
   * @param peers containers of a peer; what they take is scaled to {@code count}
   */
  void idle(int count, int peers) throws IOException {
    for (Engine engine : engines) {
      idle(engine, engine.isPeer() ? peers : count, count);
    }
  }

  private void idle(Engine engine, int started, int told) throws IOException {
    long before = Groups.memory(engine);
    try (var crowd = Crowd.start(engine, started, told, "")) {
      for (long pid : crowd.pids()) {
        sheet.add("memory of a container's monitor, PSS", engine.name(), "kB", pss(parent(pid)));
      }
      double megabytes = crowd.scaled(Groups.memory(engine) - before + crowd.memory()) / 1e6;
      sheet.add("memory of " + told + " idle containers, all told", crowd.name(), "MB", megabytes);
    }
  }

  /** The same for each of very many, and what the engine takes to list and to sample them. */
  void thousand(int count, int peers) throws Exception {
    for (Engine engine : engines) {
      long before = Groups.memory(engine);
      try (var crowd = Crowd.start(engine, engine.isPeer() ? peers : count, count, "")) {
        String of = count + " idle containers";
        double each = crowd.scaled(Groups.memory(engine) - before + crowd.memory()) / 1024 / count;
        sheet.add("memory of each of " + of + ", all told", crowd.name(), "KiB", each);
        for (int i = -LISTS; i < LISTS; i++) {
          double millis = crowd.scaled(crowd.listNanos()) / 1e6;
          if (i >= 0) {
            sheet.add("list of " + of, crowd.name(), "ms", millis);
          }
        }
        double micros = new StatsStreams(engine, crowd.ids()).microsPerSample(WARM_UP, SAMPLED);
        sheet.add("processor time of a sample of stats, " + of, crowd.name(), "us", micros);
        if (!engine.isPeer()) {
          sheet.add("resident memory of the engine, " + of, engine.name(), "MiB", resident(engine) / 1024.0);
        }
      }
    }
  }

  private static long resident(Engine engine) throws IOException {
    return kilobytes(Path.of("/proc", Long.toString(engine.pid()), "status"), "VmRSS:");
  }

  private static long parent(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[1]);
  }

  private static double pss(long pid) throws IOException {
    return kilobytes(Path.of("/proc", Long.toString(pid), "smaps_rollup"), "Pss:");
  }

  private static long kilobytes(Path file, String field) throws IOException {
    return Files.readAllLines(file).stream()
        .filter(line -> line.startsWith(field))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
